-- Views for people and dashboards: dollars, words, nanoseconds. docs/store.md lists them.

CREATE FUNCTION tickgate.dollars(price4 numeric) RETURNS numeric LANGUAGE sql IMMUTABLE
AS $$ SELECT round(price4 / 10000, 4) $$;

-- Bits of a bigint as a number without sign.
CREATE FUNCTION tickgate.without_sign(bits bigint) RETURNS numeric LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE WHEN bits < 0 THEN bits + 18446744073709551616 ELSE bits END $$;

-- An execution that an exchange told two starts of a dataplane counts once.
CREATE VIEW tickgate.trades AS
SELECT at, ns, journal, number, epoch, lane, session, account, strategy, instrument, side, liquidity, ref,
       tickgate.without_sign(client_id) AS client_id, tickgate.without_sign(match) AS match,
       shares, tickgate.dollars(price) AS price, tickgate.dollars(shares::numeric * price) AS value,
       broken_shares, tickgate.dollars(broken_price) AS broken_price, position,
       tickgate.dollars(realised) AS realised
FROM tickgate.executions WHERE NOT again;

-- Every order that was decided on, with the newest that is known about it. An order is found by its
-- number at the exchange, which is its session's and the day's.
CREATE VIEW tickgate.orders AS
SELECT d.at, d.ns, d.journal, d.epoch, d.lane, d.sequence, d.session, d.account, d.strategy, d.instrument,
       d.kind, d.side, d.ref, tickgate.without_sign(d.client_id) AS client_id,
       d.quantity, tickgate.dollars(d.price) AS price,
       CASE WHEN d.refusal <> 0 THEN 'refused'
            ELSE coalesce((ARRAY['pending', 'live', 'unknown', 'dead'])[m.life + 1], 'sent') END AS state,
       r.name AS refusal, m.open, m.filled, m.at AS told_at
FROM tickgate.decisions d
LEFT JOIN tickgate.refusals r ON r.number = d.refusal AND d.refusal <> 0
LEFT JOIN LATERAL (
    SELECT m.life, m.open, m.filled, m.at FROM tickgate.order_messages m
    WHERE d.ref <> 0 AND m.session = d.session AND m.ref = d.ref AND m.journal = d.journal
      AND m.at >= d.at AND m.at < d.at + interval '1 day'
    ORDER BY m.number DESC LIMIT 1
) m ON true;

CREATE VIEW tickgate.rejects AS
SELECT d.at, d.ns, d.journal, d.epoch, d.lane, d.sequence, r.name AS refusal, r.help,
       (ARRAY['firm', 'account', 'strategy', 'symbol', 'session'])[d.scope + 1] AS scope,
       d.value, d.limit_value, d.limits_version, d.session, d.account, d.strategy, d.instrument, d.kind,
       d.side, d.quantity, tickgate.dollars(d.price) AS price,
       tickgate.without_sign(d.client_id) AS client_id
FROM tickgate.decisions d LEFT JOIN tickgate.refusals r ON r.number = d.refusal
WHERE d.refusal <> 0;

-- Of the newest start of each node. The open position is valued at its last execution.
CREATE VIEW tickgate.positions_now AS
SELECT i.node, p.account, p.instrument, p.position,
       CASE WHEN p.position <> 0 THEN tickgate.dollars(p.cost::numeric / abs(p.position)) END AS average,
       tickgate.dollars(p.last_price) AS last_price, tickgate.dollars(p.realised) AS realised,
       tickgate.dollars(CASE WHEN p.position < 0 THEN p.cost + p.position::numeric * p.last_price
                             ELSE p.position::numeric * p.last_price - p.cost END) AS unrealised,
       p.moved_at
FROM tickgate.positions p JOIN tickgate.instances i USING (journal, epoch)
WHERE NOT EXISTS (SELECT FROM tickgate.instances n WHERE n.node = i.node AND n.epoch > i.epoch);

CREATE VIEW tickgate.trades_per_hour AS
SELECT hour, journal, session, account, strategy, sum(executions) AS executions, sum(shares) AS shares,
       tickgate.dollars(sum(value)) AS value, sum(decisions) AS decisions, sum(refused) AS refused
FROM tickgate.sums_hour GROUP BY hour, journal, session, account, strategy;

-- By UTC day; realised, at average cost.
CREATE VIEW tickgate.pnl AS
SELECT (hour AT TIME ZONE 'UTC')::date AS day, account, strategy, instrument,
       tickgate.dollars(sum(realised)) AS realised, sum(closes) AS closes, sum(wins) AS wins,
       sum(executions) AS executions, sum(shares) AS shares, tickgate.dollars(sum(value)) AS value
FROM tickgate.sums_hour GROUP BY 1, 2, 3, 4;

CREATE VIEW tickgate.win_rate AS
SELECT day, account, strategy, sum(wins) AS wins, sum(closes) AS closes,
       round(sum(wins) / nullif(sum(closes), 0), 4) AS win_rate, sum(realised) AS realised
FROM tickgate.pnl GROUP BY day, account, strategy;

-- Mean of the days' realised dollars by their deviation, for a year of 252 days.
CREATE VIEW tickgate.sharpe AS
SELECT account, strategy, count(*) AS days, round(avg(realised), 4) AS mean,
       round(stddev_samp(realised), 4) AS deviation,
       round((avg(realised) / nullif(stddev_samp(realised), 0) * sqrt(252.0))::numeric, 4) AS sharpe
FROM tickgate.win_rate GROUP BY account, strategy;

-- What an execution cost against the middle of the book that its decision saw; positive: it cost.
CREATE VIEW tickgate.slippage AS
SELECT e.at, e.ns, e.journal, e.number, e.session, e.account, e.strategy, e.instrument, e.side, e.shares,
       tickgate.dollars(e.price) AS price, tickgate.dollars((d.bid + d.ask) / 2.0) AS arrival,
       tickgate.dollars(CASE WHEN e.side = 'B' THEN e.price - (d.bid + d.ask) / 2.0
                             ELSE (d.bid + d.ask) / 2.0 - e.price END) AS slippage,
       round(CASE WHEN e.side = 'B' THEN e.price * 2.0 / (d.bid + d.ask) - 1
                  ELSE 1 - e.price * 2.0 / (d.bid + d.ask) END * 10000, 2) AS slippage_bp
FROM tickgate.executions e
JOIN LATERAL (
    SELECT d.bid, d.ask FROM tickgate.decisions d
    WHERE d.session = e.session AND d.ref = e.ref AND d.journal = e.journal AND d.refusal = 0
      AND d.at <= e.at AND d.at > e.at - interval '1 day'
    ORDER BY d.number DESC LIMIT 1
) d ON d.bid > 0 AND d.ask > 0
WHERE NOT e.again AND e.shares > 0;

-- What the middle of the book did after an execution, by the first decision in the instrument that saw
-- both sides at least <after> and at most twice as long later. Positive: it moved our way. One sort.
CREATE FUNCTION tickgate.markouts(since timestamptz, until timestamptz, after interval)
RETURNS TABLE (at timestamptz, journal integer, number bigint, account smallint, strategy smallint,
               instrument integer, side "char", shares bigint, price numeric, markout numeric)
LANGUAGE sql STABLE AS $$
    WITH points AS (
        SELECT d.instrument, d.at AS t, 1 AS late, NULL::bigint AS number, NULL::integer AS journal,
               (d.bid + d.ask) / 2.0 AS mid
        FROM tickgate.decisions d
        WHERE d.at >= since AND d.at < until + 2 * after AND d.bid > 0 AND d.ask > 0
        UNION ALL
        SELECT e.instrument, e.at + after, 0, e.number, e.journal, NULL
        FROM tickgate.executions e
        WHERE e.at >= since AND e.at < until AND NOT e.again AND e.shares > 0
    ), runs AS (
        SELECT *, count(mid) OVER (PARTITION BY instrument ORDER BY t DESC, late DESC
                                   ROWS UNBOUNDED PRECEDING) AS run
        FROM points
    ), seen AS (
        SELECT number, journal, t, first_value(mid) OVER run_order AS mid, first_value(t) OVER run_order AS mid_t
        FROM runs WHERE run > 0
        WINDOW run_order AS (PARTITION BY instrument, run ORDER BY mid NULLS LAST)
    )
    SELECT e.at, e.journal, e.number, e.account, e.strategy, e.instrument, e.side, e.shares,
           tickgate.dollars(e.price),
           tickgate.dollars(CASE WHEN e.side = 'B' THEN s.mid - e.price ELSE e.price - s.mid END)
    FROM tickgate.executions e JOIN seen s ON s.number = e.number AND s.journal = e.journal
    WHERE e.at >= since AND e.at < until AND e.shares > 0 AND s.mid_t <= s.t + after
$$;

-- Latency by hour: the upper edge of the bucket in which each part of all orders is.
CREATE VIEW tickgate.latency AS
WITH edges AS (
    SELECT hour, journal, lane, session, stage, below_ns, count,
           sum(count) OVER (PARTITION BY hour, journal, lane, session, stage ORDER BY below_ns) AS reached,
           sum(count) OVER (PARTITION BY hour, journal, lane, session, stage) AS total
    FROM tickgate.latency_hour
)
SELECT hour, journal, lane, session,
       (ARRAY['started', 'gated', 'encoded', 'handed'])[stage + 1] AS stage, max(total) AS orders,
       min(below_ns) FILTER (WHERE reached >= total * 0.5) AS p50_below_ns,
       min(below_ns) FILTER (WHERE reached >= total * 0.9) AS p90_below_ns,
       min(below_ns) FILTER (WHERE reached >= total * 0.99) AS p99_below_ns,
       min(below_ns) FILTER (WHERE reached >= total * 0.999) AS p999_below_ns,
       round(coalesce(sum(count) FILTER (WHERE below_ns <= 2750), 0) / max(total), 6) AS below_2750_ns
FROM edges GROUP BY hour, journal, lane, session, stage;
