-- What is known of the objects of buckets, so that an unchanged one is not downloaded again.

CREATE TABLE remote_objects (
    url VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL,
    is_json BOOLEAN NOT NULL
);

COMMENT ON TABLE remote_objects IS 'One row per object of a bucket that a source names, with the content hash of the version last seen: an unchanged object is not downloaded again';
COMMENT ON COLUMN remote_objects.url IS 'Address of the object, such as s3://bucket/key';
COMMENT ON COLUMN remote_objects.version IS 'The etag of the store, or its size and time of change where it has none';
COMMENT ON COLUMN remote_objects.is_json IS 'Whether its bytes look like JSON: it may be a manifest';
