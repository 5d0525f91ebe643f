-- A modify has the number of its order and sees a book of its own: an execution behind it is still measured from the decision
-- that made the order, or replaced it.

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
      AND d.kind <> 'M' AND d.at <= e.at AND d.at > e.at - interval '1 day'
    ORDER BY d.number DESC LIMIT 1
) d ON d.bid > 0 AND d.ask > 0
WHERE NOT e.again AND e.shares > 0;
