"""A file holds one idea and a function fits on a screen."""

import ast

from tree import functions

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.name, node.end_lineno - node.lineno + 1


def check(tree):
    for path in tree.files(".c", ".h", ".def", ".py", ".sh"):
        count = len(tree.text(path).splitlines())
        if count > FILE_LINES_MAX:
            yield path, count, f"{count} lines, at most {FILE_LINES_MAX}: split it by idea"
        if path.endswith(".py"):
            found = python_functions(tree.text(path))
        else:
            found = functions(tree, path) if path.endswith((".c", ".h")) else ()
        for line, name, length in found:
            if length > FUNCTION_LINES_MAX:
                yield path, line, f"{name} has {length} lines, at most {FUNCTION_LINES_MAX}"
