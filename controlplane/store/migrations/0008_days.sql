-- What marks repeated executions reads the days of the batch and the one before, however many the database holds. The
-- bounds have to be constants when the statement is planned: partitions are left out then, not once all are open.
-- A kept plan would be one for any days.

DROP FUNCTION tickgate.mark_again(integer, bigint, bigint);

-- <first> to <last>: records. <from_day> to <to_day>: the days (UTC) that they are of.
CREATE FUNCTION tickgate.mark_again(of_journal integer, first bigint, last bigint, from_day date, to_day date)
RETURNS bigint LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    since  timestamptz := from_day::timestamp AT TIME ZONE 'UTC';
    until  timestamptz := (to_day + 1)::timestamp AT TIME ZONE 'UTC';
    before timestamptz := since - interval '1 day';
    marked bigint;
    less   tickgate.sums_minute[];
BEGIN
    WITH repeated AS (
        UPDATE tickgate.executions e SET again = true
        WHERE e.journal = of_journal AND e.number BETWEEN first AND last
          AND e.at >= since AND e.at < until AND EXISTS (
            SELECT FROM tickgate.executions o
            JOIN tickgate.instances oi ON oi.journal = o.journal AND oi.epoch = o.epoch
            JOIN tickgate.instances ei ON ei.journal = e.journal AND ei.epoch = e.epoch
            WHERE o.match = e.match AND o.exchange_ns = e.exchange_ns AND o.ref = e.ref
              AND o.session = e.session AND o.shares = e.shares
              AND o.broken_shares = e.broken_shares AND o.epoch < e.epoch
              AND o.at > e.at - interval '1 day' AND oi.node = ei.node
              AND o.at >= before AND o.at < until)
        RETURNING e.*
    ), summed AS (
        SELECT to_timestamp(floor(extract(epoch FROM at) / 60) * 60), journal, session, account,
               strategy, instrument, 0::bigint, 0::bigint, 0::bigint,
               -count(*) FILTER (WHERE shares > 0), -sum(shares - broken_shares)::bigint,
               -sum(shares * price - broken_shares * broken_price)::bigint,
               -count(realised), -count(*) FILTER (WHERE realised > 0),
               -coalesce(sum(realised), 0)::bigint, r.epoch, lane
        FROM repeated r GROUP BY 1, 2, 3, 4, 5, 6, r.epoch, lane
    )
    SELECT (SELECT count(*) FROM repeated), array_agg(s::tickgate.sums_minute) INTO marked, less
    FROM summed s;
    IF marked > 0 THEN
        PERFORM tickgate.sums_add(less);
    END IF;
    RETURN marked;
END
$$;
