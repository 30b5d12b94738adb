-- Version 2: with the backlog and the archives.
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE definition (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE state_machine (
  arn TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, role_arn TEXT NOT NULL,
  definition INTEGER NOT NULL REFERENCES definition, revision TEXT NOT NULL,
  created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE execution (
  seq INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, machine TEXT NOT NULL, name TEXT NOT NULL,
  definition INTEGER NOT NULL REFERENCES definition, role_arn TEXT NOT NULL, status TEXT NOT NULL,
  started INTEGER NOT NULL, stopped INTEGER, input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT,
  redrives INTEGER NOT NULL DEFAULT 0, redriven INTEGER,
  parent INTEGER, parent_task INTEGER, parent_parses INTEGER);
CREATE INDEX execution_by_machine ON execution (machine, started DESC, seq DESC);
CREATE TABLE progress (
  seq INTEGER PRIMARY KEY, state BLOB NOT NULL, wake INTEGER, busy INTEGER NOT NULL);
CREATE INDEX progress_by_wake ON progress (wake, busy);
CREATE TABLE history (
  id INTEGER PRIMARY KEY, execution INTEGER NOT NULL, first INTEGER NOT NULL, events TEXT NOT NULL);
CREATE UNIQUE INDEX history_by_execution ON history (execution, first);
CREATE TABLE backlog (id INTEGER PRIMARY KEY, execution INTEGER NOT NULL, work BLOB NOT NULL);
CREATE INDEX backlog_by_execution ON backlog (execution);
CREATE INDEX execution_by_end ON execution (stopped);
CREATE TABLE archive (id INTEGER PRIMARY KEY, members INTEGER NOT NULL, histories BLOB NOT NULL);
ALTER TABLE execution ADD COLUMN archive INTEGER;
CREATE INDEX execution_to_archive ON execution (seq) WHERE stopped IS NOT NULL AND archive IS NULL;
PRAGMA user_version = 2;
