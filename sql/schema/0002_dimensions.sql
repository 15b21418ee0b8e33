-- What charges share, stored once. Keys are md5 of the content: a row never changes, so a renamed
-- resource does not rewrite an old bill.

CREATE TABLE resources (
    x_ResourceKey UUID NOT NULL,
    x_Provider VARCHAR,
    SubAccountId VARCHAR,
    SubAccountName VARCHAR,
    RegionId VARCHAR,
    RegionName VARCHAR,
    ResourceId VARCHAR,
    ResourceName VARCHAR,
    ResourceType VARCHAR,
    x_ResourceType VARCHAR
);

COMMENT ON TABLE resources IS 'One row per distinct resource as billed: the same id with another name, account or region is another row';
COMMENT ON COLUMN resources.x_ResourceKey IS 'md5 of the other columns, as UUID';
COMMENT ON COLUMN resources.x_Provider IS 'Short lower-case provider: aws, azure, gcp, oci, else the provider name in lower case';
COMMENT ON COLUMN resources.ResourceId IS 'NULL for charges that belong to no resource (tax, fees, credits)';
COMMENT ON COLUMN resources.x_ResourceType IS 'provider:service/type in lower case, such as aws:ec2/instance';

CREATE TABLE tag_sets (
    x_TagSetId UUID NOT NULL,
    Tags VARCHAR NOT NULL
);

COMMENT ON TABLE tag_sets IS 'One row per distinct set of tags';
COMMENT ON COLUMN tag_sets.x_TagSetId IS 'md5 of Tags, as UUID';
COMMENT ON COLUMN tag_sets.Tags IS 'Canonical JSON: keys in code-point order, text values, no blanks';

CREATE TABLE tags (
    x_TagSetId UUID NOT NULL,
    TagKey VARCHAR NOT NULL,
    TagValue VARCHAR NOT NULL
);

COMMENT ON TABLE tags IS 'The pairs of each tag set: one row per set and key';
