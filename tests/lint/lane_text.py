"""What lane code may not write: calls that wait, allocate, log or enter the kernel, and floating point."""

import re

BANNED = {
    "allocates": "malloc calloc realloc reallocarray free aligned_alloc posix_memalign strdup strndup asprintf "
    "alloca mmap munmap madvise rte_malloc rte_zmalloc rte_free rte_mempool_create",
    "writes text": "printf fprintf dprintf sprintf snprintf vprintf vfprintf vsnprintf puts fputs fputc putchar "
    "perror syslog rte_log RTE_LOG log_debug log_info log_warn log_error error_set",
    "takes a lock": "pthread_mutex_lock pthread_rwlock_rdlock pthread_rwlock_wrlock pthread_spin_lock "
    "pthread_cond_wait sem_wait sem_post mtx_lock rte_spinlock_lock",
    "waits": "sleep usleep nanosleep clock_nanosleep sched_yield poll ppoll select epoll_wait pause "
    "rte_delay_us rte_delay_ms rte_pause",
    "enters the kernel": "read write pread pwrite readv writev open openat close ioctl fcntl send sendto sendmsg "
    "recv recvfrom recvmsg socket connect accept bind stat fstat fsync fdatasync ftruncate syscall getpid gettid "
    "clock_gettime gettimeofday time getenv",
    "does file input or output": "fopen fclose fread fwrite fgets fflush getline",
    "ends the process": "exit _exit abort quick_exit",
    "is unbounded or hidden state": "strlen strcpy strcat strtok rand random qsort setjmp longjmp",
}
CALLS = {name: why for why, names in BANNED.items() for name in names.split()}
# A member or a table entry called `send` is the driver's burst, not the system call; a declaration is no call.
CALL = re.compile(r"(?<![\w.>])(?:" + "|".join(CALLS) + r")(?=\s*\()")
FLOAT = re.compile(r"\b(?:float|double|_Float\d+|__float128)\b|\b\d+\.\d*(?:[eE][-+]?\d+)?[fFlL]?\b")


def check(tree):
    for path, number in tree.off_lane.items():
        if path not in tree.paths:
            yield "docs/hot-path.md", number, f"{path}: no such file"
    for path in tree.lane_files():
        for number, line in tree.code_lines(path):
            if line.lstrip().startswith("#"):
                continue
            for call in CALL.findall(line):
                yield path, number, f"{call} {CALLS[call]}: banned on a lane (docs/hot-path.md)"
            found = FLOAT.search(line)
            if found:
                yield path, number, f"{found.group().strip()}: no floating point in lane code"
