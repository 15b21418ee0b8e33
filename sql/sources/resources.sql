-- resources: the distinct resources of the rows being loaded.
-- A row is one resource as billed; x_ResourceType is read out of the id where the export does not give it:
-- an ARN, a bare EC2 id, an Azure resource id or a Google global name.

WITH distinct_resources AS (
    SELECT DISTINCT
        x_ResourceKey, x_Provider, SubAccountId, SubAccountName, RegionId, RegionName, ResourceId, ResourceName,
        ResourceType, x_ResourceType
    FROM mapped
),

parts AS (
    SELECT
        *,
        lower(coalesce(ResourceId, '')) AS id,
        split_part(lower(coalesce(ResourceId, '')), ':', 3) AS arn_service,
        regexp_replace(lower(coalesce(ResourceId, '')), '^arn:[^:]*:[^:]*:[^:]*:[^:]*:', '') AS arn_resource,
        regexp_extract(lower(coalesce(ResourceId, '')), '^(.*)/providers/([^/]+)/(.+)$', 3) AS azure_path,
        regexp_extract(lower(coalesce(ResourceId, '')), '^(.*)/providers/([^/]+)/(.+)$', 2) AS azure_namespace
    FROM distinct_resources
),

typed AS (
    SELECT
        *,
        CASE
            WHEN id LIKE 'arn:%' AND regexp_matches(arn_resource, '[:/]')
                THEN 'aws:' || arn_service || '/' || regexp_extract(arn_resource, '^([^:/]*)', 1)
            WHEN id LIKE 'arn:%:s3:::%' THEN 'aws:s3/bucket'
            WHEN id LIKE 'arn:%' THEN 'aws:' || arn_service || '/' || arn_service
            WHEN x_Provider = 'aws' AND ResourceType = 'bucket' THEN 'aws:s3/bucket'
            WHEN x_Provider = 'aws' AND regexp_full_match(id, 'i-[0-9a-f]+') THEN 'aws:ec2/instance'
            WHEN x_Provider = 'aws' AND regexp_full_match(id, 'vol-[0-9a-f]+') THEN 'aws:ec2/volume'
            WHEN x_Provider = 'aws' AND regexp_full_match(id, 'snap-[0-9a-f]+') THEN 'aws:ec2/snapshot'
            WHEN x_Provider = 'aws' AND regexp_full_match(id, 'nat-[0-9a-f]+') THEN 'aws:ec2/natgateway'
            WHEN azure_path <> '' THEN
                'azure:' || azure_namespace || '/' || regexp_replace(
                    regexp_replace(azure_path || '/', '([^/]+)/([^/]*)/', '\1/', 'g'), '/$', ''
                )
            WHEN id LIKE '//%.googleapis.com/%' THEN
                'gcp:' || regexp_extract(id, '^//([^.]+)\.', 1) || '/' || regexp_extract(id, '/([^/]+)/[^/]+$', 1)
        END AS id_type
    FROM parts
)

SELECT
    x_ResourceKey, x_Provider, SubAccountId, SubAccountName, RegionId, RegionName, ResourceId, ResourceName,
    ResourceType, coalesce(x_ResourceType, id_type) AS x_ResourceType
FROM typed
