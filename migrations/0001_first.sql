-- Portable DDL. Types are BLOB, TEXT and BIGINT only; on PostgreSQL the migrator writes BYTEA and
-- TEXT COLLATE "C" for the first two, so that order is byte order on both. Ids are 16 raw bytes, instants
-- milliseconds since the Unix epoch, booleans 0 or 1. Every table that grows with use begins with
-- zone_id, account_id or user_id, the keys along which the data can be spread.

-- What the installation itself remembers: its signing secret, its epoch.
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);

CREATE TABLE users (
    user_id BLOB NOT NULL PRIMARY KEY,
    username TEXT NOT NULL,
    -- Folded like a file name: two people cannot differ by case.
    username_key TEXT NOT NULL,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    is_admin BIGINT NOT NULL,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (username_key);

-- Who pays: quota and use of one account. used_bytes is the sum of its chunks with references, each
-- counted once; staged_bytes of those without.
CREATE TABLE accounts (
    account_id BLOB NOT NULL PRIMARY KEY,
    quota_bytes BIGINT NOT NULL,
    used_bytes BIGINT NOT NULL,
    staged_bytes BIGINT NOT NULL
);

-- Rows stay when a device is removed: ids are never reused.
CREATE TABLE devices (
    user_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    name TEXT NOT NULL,
    platform TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    removed_at BIGINT,
    acknowledged_token TEXT,
    acknowledged_at BIGINT,
    PRIMARY KEY (user_id, device_id)
);
CREATE UNIQUE INDEX devices_id ON devices (device_id);

-- token_hash: SHA-256 of the cookie's or bearer token's secret.
CREATE TABLE sessions (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    kind BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, device_id);

CREATE TABLE invites (
    code_hash BLOB NOT NULL PRIMARY KEY,
    created_by BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_by BLOB
);

-- counter: the last feed position given out. Locked by the first statement of every write to the zone.
-- tombstone_floor: the highest position whose tombstone is gone; older tokens have expired.
CREATE TABLE zones (
    zone_id BLOB NOT NULL PRIMARY KEY,
    account_id BLOB NOT NULL,
    kind BIGINT NOT NULL,
    root_id BLOB NOT NULL,
    counter BIGINT NOT NULL,
    tombstone_floor BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE zone_members (
    user_id BLOB NOT NULL,
    zone_id BLOB NOT NULL,
    role BIGINT NOT NULL,
    removed_at BIGINT,
    PRIMARY KEY (user_id, zone_id)
);
CREATE INDEX zone_members_zone ON zone_members (zone_id);

-- Present states. The feed is this table in the order of `feed`: an entry exists exactly when its state
-- change does. A row with purged_at is a tombstone. Deleting marks the topmost item only.
CREATE TABLE items (
    zone_id BLOB NOT NULL,
    item_id BLOB NOT NULL,
    parent_id BLOB NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    kind BIGINT NOT NULL,
    size BIGINT NOT NULL,
    mime_type TEXT,
    content_hash BLOB,
    -- The current row of versions; null for a folder.
    version_id BLOB,
    -- JSON: {device: count}.
    vector TEXT NOT NULL,
    content_device BLOB NOT NULL,
    content_count BIGINT NOT NULL,
    place_device BLOB NOT NULL,
    place_count BIGINT NOT NULL,
    -- The last count issued to any input; never falls.
    last_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    deleted_at BIGINT,
    -- The operation that deleted it; restoring brings back what shares it.
    delete_id BLOB,
    purged_at BIGINT,
    feed BIGINT NOT NULL,
    -- The last change and, for "did anyone but this device touch it after …", the last by another device.
    changed_feed BIGINT NOT NULL,
    changed_by BLOB NOT NULL,
    others_changed_feed BIGINT NOT NULL,
    PRIMARY KEY (zone_id, item_id)
);
CREATE UNIQUE INDEX items_feed ON items (zone_id, feed);
CREATE UNIQUE INDEX items_place ON items (zone_id, parent_id, name_key) WHERE deleted_at IS NULL AND purged_at IS NULL;
CREATE INDEX items_parent ON items (zone_id, parent_id);
CREATE INDEX items_trash ON items (zone_id, deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;

-- Ids that a create was answered with another item for, kept as long as tombstones.
CREATE TABLE aliases (
    zone_id BLOB NOT NULL,
    alias_id BLOB NOT NULL,
    item_id BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (zone_id, alias_id)
);

-- Every content an item has or had, conflict sides and inputs of merges included.
CREATE TABLE versions (
    zone_id BLOB NOT NULL,
    version_id BLOB NOT NULL,
    item_id BLOB NOT NULL,
    content_hash BLOB NOT NULL,
    size BIGINT NOT NULL,
    device_id BLOB NOT NULL,
    count BIGINT NOT NULL,
    modified_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- When another content took its place; null while it is current or pinned by an open conflict.
    superseded_at BIGINT,
    -- 1: it is or was what the file holds; 0: it only came in (a conflict's side, an input of a merge).
    was_current BIGINT NOT NULL,
    PRIMARY KEY (zone_id, version_id)
);
CREATE INDEX versions_item ON versions (zone_id, item_id, created_at);
CREATE INDEX versions_superseded ON versions (zone_id, superseded_at) WHERE superseded_at IS NOT NULL;

-- Contents by hash within the paying account; refs counts rows of versions.
CREATE TABLE manifests (
    account_id BLOB NOT NULL,
    content_hash BLOB NOT NULL,
    packed BLOB NOT NULL,
    size BIGINT NOT NULL,
    -- SHA-256 of the whole file, computed when first needed.
    whole_hash BLOB,
    refs BIGINT NOT NULL,
    PRIMARY KEY (account_id, content_hash)
);

-- Chunks by hash within the paying account. refs counts the entries of manifests that name it (a manifest
-- that names it twice counts twice). Small chunks carry their bytes here; others are the object
-- `hash.generation`.
CREATE TABLE chunks (
    account_id BLOB NOT NULL,
    hash BLOB NOT NULL,
    size BIGINT NOT NULL,
    refs BIGINT NOT NULL,
    generation BLOB NOT NULL,
    data BLOB,
    leased_until BIGINT NOT NULL,
    PRIMARY KEY (account_id, hash)
);
CREATE INDEX chunks_unreferenced ON chunks (leased_until) WHERE refs = 0;

-- Uploads under way: the operation create or content, judged at complete. Their id is the operation's, so
-- that a complete whose answer was lost finds it after the session is gone.
CREATE TABLE uploads (
    user_id BLOB NOT NULL,
    upload_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    zone_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    file_id BLOB NOT NULL,
    -- JSON of the request without its chunks.
    request TEXT NOT NULL,
    payload_hash BLOB NOT NULL,
    total_size BIGINT NOT NULL,
    chunk_size BIGINT NOT NULL,
    total_chunks BIGINT NOT NULL,
    -- Whether the chunks were named at init; then all of them have rows.
    announced BIGINT NOT NULL,
    -- Rows of upload_chunks that are there.
    held_chunks BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, upload_id)
);
CREATE INDEX uploads_expiry ON uploads (expires_at);

CREATE TABLE upload_chunks (
    user_id BLOB NOT NULL,
    upload_id BLOB NOT NULL,
    idx BIGINT NOT NULL,
    hash BLOB NOT NULL,
    size BIGINT NOT NULL,
    -- Sent, or present when it was announced.
    held BIGINT NOT NULL,
    PRIMARY KEY (user_id, upload_id, idx)
);

-- Answers to operations, recorded with their effect. After their retention only the id remains.
CREATE TABLE operations (
    user_id BLOB NOT NULL,
    operation_id BLOB NOT NULL,
    recorded_at BIGINT NOT NULL,
    payload_hash BLOB,
    zone_id BLOB,
    item_id BLOB,
    -- JSON: the status, code, outcome and ids to replay.
    result TEXT,
    -- JSON: the dots a later edit chained to this one has in its base, for content and for place.
    chain TEXT,
    PRIMARY KEY (user_id, operation_id)
);
CREATE INDEX operations_recorded ON operations (recorded_at) WHERE payload_hash IS NOT NULL;

CREATE TABLE conflicts (
    zone_id BLOB NOT NULL,
    conflict_id BLOB NOT NULL,
    item_id BLOB NOT NULL,
    local_version_id BLOB NOT NULL,
    server_version_id BLOB NOT NULL,
    base_version_id BLOB,
    local_vector TEXT NOT NULL,
    server_vector TEXT NOT NULL,
    local_device BLOB NOT NULL,
    server_device BLOB NOT NULL,
    local_count BIGINT NOT NULL,
    proposal TEXT,
    created_at BIGINT NOT NULL,
    resolved_at BIGINT,
    -- JSON: the resolution and the ids of its items.
    result TEXT,
    PRIMARY KEY (zone_id, conflict_id)
);
CREATE INDEX conflicts_open ON conflicts (zone_id, item_id) WHERE resolved_at IS NULL;

-- What was merged, renamed or brought back, and why.
CREATE TABLE activity (
    zone_id BLOB NOT NULL,
    activity_id BLOB NOT NULL,
    item_id BLOB NOT NULL,
    device_id BLOB NOT NULL,
    happened_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (zone_id, activity_id)
);

-- Every sign-in, share, revoke, delete and administrator's act.
CREATE TABLE audit (
    user_id BLOB NOT NULL,
    audit_id BLOB NOT NULL,
    happened_at BIGINT NOT NULL,
    device_id BLOB,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    address TEXT,
    PRIMARY KEY (user_id, audit_id)
);
