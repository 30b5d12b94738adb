-- Version 1: dynoxide's tables by their keys.
CREATE TABLE "Things" (
  pk TEXT NOT NULL,
  sk TEXT NOT NULL DEFAULT '',
  item_json TEXT NOT NULL,
  item_size INTEGER NOT NULL,
  cached_at REAL,
  hash_prefix TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (pk, sk)
) WITHOUT ROWID;
INSERT INTO "Things" VALUES('S:one','','{"name":{"S":"one"},"colour":{"S":"red"}}',16,NULL,'dd3d8d');
INSERT INTO "Things" VALUES('S:three','','{"name":{"S":"three"},"colour":{"S":"blue"}}',19,NULL,'adc262');
INSERT INTO "Things" VALUES('S:two','','{"colour":{"S":"red"},"name":{"S":"two"}}',16,NULL,'59bda1');
CREATE TABLE "Things::gsi::by-colour" (
  gsi_pk TEXT NOT NULL,
  gsi_sk TEXT NOT NULL DEFAULT '',
  table_pk TEXT NOT NULL,
  table_sk TEXT NOT NULL DEFAULT '',
  item_json TEXT NOT NULL,
  PRIMARY KEY (gsi_pk, gsi_sk, table_pk, table_sk)
) WITHOUT ROWID;
INSERT INTO "Things::gsi::by-colour" VALUES('S:blue','S:three','S:three','','{"name":{"S":"three"},"colour":{"S":"blue"}}');
INSERT INTO "Things::gsi::by-colour" VALUES('S:red','S:one','S:one','','{"name":{"S":"one"},"colour":{"S":"red"}}');
INSERT INTO "Things::gsi::by-colour" VALUES('S:red','S:two','S:two','','{"colour":{"S":"red"},"name":{"S":"two"}}');
CREATE TABLE _config (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
INSERT INTO "_config" VALUES('schema_version','11');
CREATE TABLE _stream_records (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  table_name TEXT NOT NULL,
  event_name TEXT NOT NULL,
  keys_json TEXT NOT NULL,
  new_image TEXT,
  old_image TEXT,
  sequence_number TEXT NOT NULL,
  shard_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  user_identity TEXT,
  event_id TEXT
);
CREATE TABLE _tables (
  table_name TEXT PRIMARY KEY,
  key_schema TEXT NOT NULL,
  attribute_definitions TEXT NOT NULL,
  gsi_definitions TEXT,
  lsi_definitions TEXT,
  stream_enabled INTEGER DEFAULT 0,
  stream_view_type TEXT,
  stream_label TEXT,
  ttl_attribute TEXT,
  ttl_enabled INTEGER DEFAULT 0,
  created_at INTEGER NOT NULL,
  table_status TEXT NOT NULL DEFAULT 'ACTIVE',
  billing_mode TEXT DEFAULT 'PAY_PER_REQUEST',
  provisioned_throughput TEXT,
  tags TEXT,
  sse_specification TEXT,
  table_class TEXT,
  deletion_protection_enabled INTEGER DEFAULT 0,
  on_demand_throughput TEXT,
  table_id TEXT,
  vector_index_definitions TEXT
);
INSERT INTO "_tables" VALUES('Things',
  '[{"AttributeName":"name","KeyType":"HASH"}]',
  '[{"AttributeName":"name","AttributeType":"S"},{"AttributeName":"colour","AttributeType":"S"}]',
  '[{"IndexName":"by-colour","KeySchema":[{"AttributeName":"colour","KeyType":"HASH"},{"AttributeName":"name","KeyType":"RANGE"}],"Projection":{"ProjectionType":"ALL"}}]',NULL,0,NULL,NULL,NULL,0,1795642354,'ACTIVE','PAY_PER_REQUEST',NULL,NULL,NULL,NULL,0,NULL,'93bff623-deb1-4ca2-a3fa-a8417fc9673f',NULL);
CREATE INDEX "Things::gsi::by-colour::base_key" ON "Things::gsi::by-colour" (table_pk, table_sk);
PRAGMA user_version = 1;
