-- A start with trading.start: journal goes on with the positions of the starts of its day, which the exchange does not tell
-- it again. What earlier versions wrote for such starts stays: a new database, filled from the journal, has it right.

ALTER TABLE tickgate.instances ADD COLUMN restored integer DEFAULT 0;
ALTER TABLE tickgate.instances ALTER COLUMN restored DROP DEFAULT;
COMMENT ON COLUMN tickgate.instances.restored IS
    'Earlier starts of its day that it went on from; null: it told nothing, as with trading.start: venue';
COMMENT ON TABLE tickgate.positions IS
    'Positions of every start of a dataplane, as its lanes hold them, without what a file of the day carried in';
