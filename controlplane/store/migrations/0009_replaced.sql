-- An order that was replaced goes on under the number of the replace: under its own one nothing is open any more, though
-- no message with that number says so.

CREATE INDEX ON tickgate.decisions (session, place, number) WHERE kind = 'U' AND refusal = 0;

CREATE OR REPLACE VIEW tickgate.orders AS
SELECT d.at, d.ns, d.journal, d.epoch, d.lane, d.sequence, d.session, d.account, d.strategy, d.instrument,
       d.kind, d.side, d.ref, tickgate.without_sign(d.client_id) AS client_id,
       d.quantity, tickgate.dollars(d.price) AS price,
       CASE WHEN d.refusal <> 0 THEN 'refused'
            WHEN s.refusal IS NOT NULL THEN 'not sent'
            WHEN u.replaced THEN 'replaced'
            ELSE coalesce((ARRAY['pending', 'live', 'unknown', 'dead'])[m.life + 1], 'sent') END AS state,
       r.name AS refusal, CASE WHEN u.replaced THEN 0 ELSE m.open END AS open, m.filled, m.at AS told_at,
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
) m ON true
-- The next replace in its place that the exchange took (messages 2 and 3: dead at once): before the order is dead nobody
-- else has the place.
LEFT JOIN LATERAL (
    SELECT true AS replaced FROM tickgate.decisions u
    JOIN tickgate.order_messages k ON k.session = u.session AND k.ref = u.ref AND k.journal = u.journal AND k.lane = u.lane
      AND k.message IN (2, 3) AND k.number > u.number AND k.at >= u.at AND k.at < u.at + interval '1 day'
    WHERE d.refusal = 0 AND d.ref <> 0 AND coalesce(m.life, 0) < 3 AND u.kind = 'U' AND u.refusal = 0
      AND u.session = d.session AND u.place = d.place AND u.number > d.number
      AND u.journal = d.journal AND u.epoch = d.epoch AND u.lane = d.lane AND u.at >= d.at AND u.at < d.at + interval '1 day'
    LIMIT 1
) u ON true;
