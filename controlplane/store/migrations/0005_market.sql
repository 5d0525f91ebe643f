-- Orders that were asked for at the market, and decided on as the limit that was made of them
-- (CHECKS_OF_MARKET of dataplane/abi/trade.h).
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
    WHERE d.ref <> 0 AND m.session = d.session AND m.ref = d.ref AND m.journal = d.journal
      AND m.at >= d.at AND m.at < d.at + interval '1 day'
    ORDER BY m.number DESC LIMIT 1
) m ON true;
