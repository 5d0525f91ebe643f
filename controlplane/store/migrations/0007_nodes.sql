-- Several nodes, lanes and days in one database. Numbers mean something within a start of a dataplane, those of sessions
-- and strategies within its lane: the sums keep both, and views that add up go by names. Numbers of orders begin
-- anew every day.

DROP VIEW tickgate.sharpe, tickgate.win_rate, tickgate.pnl, tickgate.trades_per_hour;

-- Rows that are there get the newest start that they may be of, and the only lane that most have.
ALTER TABLE tickgate.sums_minute ADD COLUMN epoch bigint, ADD COLUMN lane smallint NOT NULL DEFAULT 0;
ALTER TABLE tickgate.sums_hour ADD COLUMN epoch bigint, ADD COLUMN lane smallint NOT NULL DEFAULT 0;
UPDATE tickgate.sums_minute s SET epoch = coalesce((
    SELECT max(i.epoch) FROM tickgate.instances i
    WHERE i.journal = s.journal AND i.started_at < s.minute + interval '1 minute'), 0);
UPDATE tickgate.sums_hour s SET epoch = coalesce((
    SELECT max(i.epoch) FROM tickgate.instances i
    WHERE i.journal = s.journal AND i.started_at < s.hour + interval '1 hour'), 0);
ALTER TABLE tickgate.sums_minute ALTER COLUMN lane DROP DEFAULT, DROP CONSTRAINT sums_minute_pkey,
    ADD PRIMARY KEY (minute, journal, epoch, lane, session, account, strategy, instrument);
ALTER TABLE tickgate.sums_hour ALTER COLUMN lane DROP DEFAULT, DROP CONSTRAINT sums_hour_pkey,
    ADD PRIMARY KEY (hour, journal, epoch, lane, session, account, strategy, instrument);

CREATE OR REPLACE FUNCTION tickgate.sums_add(rows tickgate.sums_minute[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO tickgate.sums_minute AS s SELECT * FROM unnest(rows) r
    ORDER BY r.minute, r.epoch, r.lane, r.session, r.account, r.strategy, r.instrument
    ON CONFLICT (minute, journal, epoch, lane, session, account, strategy, instrument) DO UPDATE SET
        decisions = s.decisions + excluded.decisions, refused = s.refused + excluded.refused,
        messages = s.messages + excluded.messages, executions = s.executions + excluded.executions,
        shares = s.shares + excluded.shares, value = s.value + excluded.value,
        closes = s.closes + excluded.closes, wins = s.wins + excluded.wins,
        realised = s.realised + excluded.realised;
    INSERT INTO tickgate.sums_hour AS s (hour, journal, epoch, lane, session, account, strategy, instrument,
        decisions, refused, messages, executions, shares, value, closes, wins, realised)
    SELECT to_timestamp(floor(extract(epoch FROM r.minute) / 3600) * 3600) AS hour, r.journal, r.epoch, r.lane,
           r.session, r.account, r.strategy, r.instrument, sum(r.decisions), sum(r.refused), sum(r.messages),
           sum(r.executions), sum(r.shares), sum(r.value), sum(r.closes), sum(r.wins), sum(r.realised)
    FROM unnest(rows) r GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
    ON CONFLICT (hour, journal, epoch, lane, session, account, strategy, instrument) DO UPDATE SET
        decisions = s.decisions + excluded.decisions, refused = s.refused + excluded.refused,
        messages = s.messages + excluded.messages, executions = s.executions + excluded.executions,
        shares = s.shares + excluded.shares, value = s.value + excluded.value,
        closes = s.closes + excluded.closes, wins = s.wins + excluded.wins,
        realised = s.realised + excluded.realised;
$$;

CREATE OR REPLACE FUNCTION tickgate.mark_again(of_journal integer, first bigint, last bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    marked bigint;
    less   tickgate.sums_minute[];
BEGIN
    WITH repeated AS (
        UPDATE tickgate.executions e SET again = true
        WHERE e.journal = of_journal AND e.number BETWEEN first AND last AND EXISTS (
            SELECT FROM tickgate.executions o
            JOIN tickgate.instances oi ON oi.journal = o.journal AND oi.epoch = o.epoch
            JOIN tickgate.instances ei ON ei.journal = e.journal AND ei.epoch = e.epoch
            WHERE o.match = e.match AND o.exchange_ns = e.exchange_ns AND o.ref = e.ref
              AND o.session = e.session AND o.shares = e.shares
              AND o.broken_shares = e.broken_shares AND o.epoch < e.epoch
              AND o.at > e.at - interval '1 day' AND oi.node = ei.node)
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

-- The sums by hour with names; a number that has none stands for itself.
CREATE VIEW tickgate.sums_by_name AS
SELECT s.hour, i.node, coalesce(l.name, s.lane::text) AS lane, coalesce(n.name, s.session::text) AS session,
       coalesce(a.name, s.account::text) AS account, coalesce(t.name, s.strategy::text) AS strategy,
       coalesce(y.name, s.instrument::text) AS instrument, s.decisions, s.refused, s.messages, s.executions,
       s.shares, s.value, s.closes, s.wins, s.realised
FROM tickgate.sums_hour s
LEFT JOIN tickgate.instances i USING (journal, epoch)
LEFT JOIN tickgate.names l ON l.journal = s.journal AND l.epoch = s.epoch AND l.kind = 'lane' AND l.lane = 0
    AND l.number = s.lane
LEFT JOIN tickgate.names n ON n.journal = s.journal AND n.epoch = s.epoch AND n.kind = 'session'
    AND n.lane = s.lane AND n.number = s.session
LEFT JOIN tickgate.names a ON a.journal = s.journal AND a.epoch = s.epoch AND a.kind = 'account' AND a.lane = 0
    AND a.number = s.account
LEFT JOIN tickgate.names t ON t.journal = s.journal AND t.epoch = s.epoch AND t.kind = 'strategy'
    AND t.lane = s.lane AND t.number = s.strategy
LEFT JOIN tickgate.names y ON y.journal = s.journal AND y.epoch = s.epoch AND y.kind = 'instrument' AND y.lane = 0
    AND y.number = s.instrument;

CREATE VIEW tickgate.trades_per_hour AS
SELECT hour, node, lane, session, account, strategy, sum(executions) AS executions, sum(shares) AS shares,
       tickgate.dollars(sum(value)) AS value, sum(decisions) AS decisions, sum(refused) AS refused
FROM tickgate.sums_by_name GROUP BY hour, node, lane, session, account, strategy;

-- By UTC day; realised, at average cost.
CREATE VIEW tickgate.pnl AS
SELECT (hour AT TIME ZONE 'UTC')::date AS day, node, account, strategy, instrument,
       tickgate.dollars(sum(realised)) AS realised, sum(closes) AS closes, sum(wins) AS wins,
       sum(executions) AS executions, sum(shares) AS shares, tickgate.dollars(sum(value)) AS value
FROM tickgate.sums_by_name GROUP BY 1, 2, 3, 4, 5;

CREATE VIEW tickgate.win_rate AS
SELECT day, node, account, strategy, sum(wins) AS wins, sum(closes) AS closes,
       round(sum(wins) / nullif(sum(closes), 0), 4) AS win_rate, sum(realised) AS realised
FROM tickgate.pnl GROUP BY day, node, account, strategy;

-- Mean of the days' realised dollars by their deviation, for a year of 252 days.
CREATE VIEW tickgate.sharpe AS
SELECT node, account, strategy, count(*) AS days, round(avg(realised), 4) AS mean,
       round(stddev_samp(realised), 4) AS deviation,
       round((avg(realised) / nullif(stddev_samp(realised), 0) * sqrt(252.0))::numeric, 4) AS sharpe
FROM tickgate.win_rate GROUP BY node, account, strategy;

-- What is told about an order, before its session gives its number to another.
CREATE OR REPLACE VIEW tickgate.orders AS
SELECT d.at, d.ns, d.journal, d.epoch, d.lane, d.sequence, d.session, d.account, d.strategy, d.instrument,
       d.kind, d.side, d.ref, tickgate.without_sign(d.client_id) AS client_id,
       d.quantity, tickgate.dollars(d.price) AS price,
       CASE WHEN d.refusal <> 0 THEN 'refused'
            WHEN s.refusal IS NOT NULL THEN 'not sent'
            ELSE coalesce((ARRAY['pending', 'live', 'unknown', 'dead'])[m.life + 1], 'sent') END AS state,
       r.name AS refusal, m.open, m.filled, m.at AS told_at,
       (d.checks & (1::bigint << 47)) <> 0 AS market
FROM tickgate.decisions d
LEFT JOIN LATERAL (
    SELECT s.refusal FROM tickgate.sends s
    WHERE NOT s.sent AND s.journal = d.journal AND s.epoch = d.epoch AND s.lane = d.lane
      AND s.decision = d.sequence AND s.at >= d.at AND s.at < d.at + interval '1 day'
    LIMIT 1
) s ON true
LEFT JOIN tickgate.refusals r ON r.number = coalesce(s.refusal, d.refusal) AND r.number <> 0
LEFT JOIN LATERAL (
    SELECT m.life, m.open, m.filled, m.at FROM tickgate.order_messages m
    WHERE d.ref <> 0 AND m.session = d.session AND m.ref = d.ref AND m.journal = d.journal AND m.lane = d.lane
      AND m.at >= d.at AND m.at < d.at + interval '1 day' AND m.number > d.number AND NOT EXISTS (
          SELECT FROM tickgate.decisions n
          WHERE n.session = d.session AND n.ref = d.ref AND n.journal = d.journal AND n.lane = d.lane
            AND n.kind <> 'M' AND n.refusal = 0 AND n.number > d.number AND n.number < m.number
            AND n.at >= d.at AND n.at < d.at + interval '1 day')
    ORDER BY m.number DESC LIMIT 1
) m ON true;

-- What an execution cost against the middle of the book that its decision saw; positive: it cost.
CREATE OR REPLACE VIEW tickgate.slippage AS
SELECT e.at, e.ns, e.journal, e.number, e.session, e.account, e.strategy, e.instrument, e.side, e.shares,
       tickgate.dollars(e.price) AS price, tickgate.dollars((d.bid + d.ask) / 2.0) AS arrival,
       tickgate.dollars(CASE WHEN e.side = 'B' THEN e.price - (d.bid + d.ask) / 2.0
                             ELSE (d.bid + d.ask) / 2.0 - e.price END) AS slippage,
       round(CASE WHEN e.side = 'B' THEN e.price * 2.0 / (d.bid + d.ask) - 1
                  ELSE 1 - e.price * 2.0 / (d.bid + d.ask) END * 10000, 2) AS slippage_bp,
       e.epoch, e.lane
FROM tickgate.executions e
JOIN LATERAL (
    SELECT d.bid, d.ask FROM tickgate.decisions d
    WHERE d.session = e.session AND d.ref = e.ref AND d.journal = e.journal AND d.lane = e.lane AND d.refusal = 0
      AND d.at <= e.at AND d.at > e.at - interval '1 day'
    ORDER BY d.number DESC LIMIT 1
) d ON d.bid > 0 AND d.ask > 0
WHERE NOT e.again AND e.shares > 0;

-- What the middle of the book did after an execution, by the first decision in the symbol that saw both sides, of any
-- node, at least <after> and at most twice as long later. Positive: it moved our way. One sort.
CREATE OR REPLACE FUNCTION tickgate.markouts(since timestamptz, until timestamptz, after interval)
RETURNS TABLE (at timestamptz, journal integer, number bigint, account smallint, strategy smallint,
               instrument integer, side "char", shares bigint, price numeric, markout numeric)
LANGUAGE sql STABLE AS $$
    WITH symbols AS (
        SELECT n.journal, n.epoch, n.number AS instrument, n.name
        FROM tickgate.names n WHERE n.kind = 'instrument' AND n.lane = 0
    ), points AS (
        SELECT coalesce(y.name, d.journal || ' ' || d.instrument) COLLATE "C" AS symbol, d.at AS t, 1 AS late,
               NULL::bigint AS number, NULL::integer AS journal, (d.bid + d.ask) / 2.0 AS mid
        FROM tickgate.decisions d LEFT JOIN symbols y USING (journal, epoch, instrument)
        WHERE d.at >= since AND d.at < until + 2 * after AND d.bid > 0 AND d.ask > 0
        UNION ALL
        SELECT coalesce(y.name, e.journal || ' ' || e.instrument) COLLATE "C", e.at + after, 0, e.number, e.journal,
               NULL
        FROM tickgate.executions e LEFT JOIN symbols y USING (journal, epoch, instrument)
        WHERE e.at >= since AND e.at < until AND NOT e.again AND e.shares > 0
    ), runs AS (
        SELECT *, count(mid) OVER (PARTITION BY symbol ORDER BY t DESC, late DESC
                                   ROWS UNBOUNDED PRECEDING) AS run
        FROM points
    ), seen AS (
        SELECT number, journal, t, first_value(mid) OVER run_order AS mid, first_value(t) OVER run_order AS mid_t
        FROM runs WHERE run > 0
        WINDOW run_order AS (PARTITION BY symbol, run ORDER BY mid NULLS LAST)
    )
    SELECT e.at, e.journal, e.number, e.account, e.strategy, e.instrument, e.side, e.shares,
           tickgate.dollars(e.price),
           tickgate.dollars(CASE WHEN e.side = 'B' THEN s.mid - e.price ELSE e.price - s.mid END)
    FROM tickgate.executions e JOIN seen s ON s.number = e.number AND s.journal = e.journal
    WHERE e.at >= since AND e.at < until AND e.shares > 0 AND s.mid_t <= s.t + after
$$;

-- Takes away days (UTC) before one; says how many tables went.
CREATE OR REPLACE FUNCTION tickgate.drop_days(before date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    name text;
    part text;
    home text;
    dropped integer := 0;
BEGIN
    SELECT quote_ident(n.nspname) INTO home
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'timescaledb';
    FOREACH name IN ARRAY tickgate.daily() LOOP
        IF home IS NOT NULL THEN
            FOR part IN EXECUTE format('SELECT %s.drop_chunks(%L::regclass, older_than => %L::timestamptz)', home,
                                       'tickgate.' || name, before::timestamp AT TIME ZONE 'UTC')
            LOOP
                dropped := dropped + 1;
            END LOOP;
            CONTINUE;
        END IF;
        FOR part IN
            SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = format('tickgate.%I', name)::regclass
              AND c.relname < name || to_char(before, '_YYYYMMDD')
        LOOP
            EXECUTE format('DROP TABLE tickgate.%I', part);
            dropped := dropped + 1;
        END LOOP;
    END LOOP;
    RETURN dropped;
END
$$;
