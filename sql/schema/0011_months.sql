-- Billing periods as a person sees them: open or final, their invoices, the accounts' names and owners, and what was
-- taken out by hand.

CREATE TABLE period_states (
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    state VARCHAR NOT NULL CHECK (state IN ('open', 'final', 'restated')),
    final_by VARCHAR CHECK (final_by IN ('invoice', 'closed')),
    final_at TIMESTAMP,
    note VARCHAR,
    costs_hash VARCHAR NOT NULL,
    final_costs VARCHAR,
    PRIMARY KEY (x_Source, x_BillingPeriod)
);

COMMENT ON TABLE period_states IS 'Whether a source has finished a billing period: one row per source and billing period, billed charges only';
COMMENT ON COLUMN period_states.state IS 'open: may still change; final: invoiced, or closed by hand; restated: a delivery changed its money after that';
COMMENT ON COLUMN period_states.final_by IS 'invoice: every billed charge names its invoice; closed: by costmill close; NULL while open';
COMMENT ON COLUMN period_states.final_at IS 'When the delivery that made it final was made, or when it was closed, UTC';
COMMENT ON COLUMN period_states.note IS 'What was said when it was closed';
COMMENT ON COLUMN period_states.costs_hash IS 'Hash of BilledCost and EffectiveCost by currency, account and service as last judged';
COMMENT ON COLUMN period_states.final_costs IS 'JSON object currency -> BilledCost when it became final; NULL while open';

CREATE TABLE period_events (
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    happened_at TIMESTAMP NOT NULL,
    run_id VARCHAR NOT NULL,
    event VARCHAR NOT NULL CHECK (event IN ('final', 'closed', 'reopened', 'restated', 'unloaded')),
    load_id VARCHAR,
    note VARCHAR,
    costs VARCHAR NOT NULL
);

COMMENT ON TABLE period_events IS 'What happened to billing periods, never deleted: final (invoiced), closed and reopened by hand, restated after final, unloaded';
COMMENT ON COLUMN period_events.happened_at IS 'UTC';
COMMENT ON COLUMN period_events.load_id IS 'Load that is in the charges after it; NULL when none is';
COMMENT ON COLUMN period_events.note IS 'What was said at it; NULL when nothing was';
COMMENT ON COLUMN period_events.costs IS 'JSON object currency -> BilledCost after it';

CREATE TABLE invoice_costs (
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    x_Origin VARCHAR NOT NULL,
    x_Provider VARCHAR,
    InvoiceIssuerName VARCHAR,
    InvoiceId VARCHAR,
    BillingCurrency VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL,
    x_InvoicedCount BIGINT NOT NULL
);

COMMENT ON TABLE invoice_costs IS 'Rollup of billed cost by invoice: source, billing period, origin, provider, issuer, InvoiceId (NULL: the charges name none) and currency';
COMMENT ON COLUMN invoice_costs.x_InvoicedCount IS 'Charges that belong on an invoice: BilledCost is not 0, and the row is the provider''s own';

INSERT INTO invoice_costs
SELECT
    x_Source, x_BillingPeriod, x_Origin, x_Provider, InvoiceIssuerName, InvoiceId, BillingCurrency,
    coalesce(sum(BilledCost), 0), count(*),
    count(*) FILTER (
        WHERE BilledCost <> 0 AND NOT list_contains(string_split(coalesce(x_SourceChanges, ''), ' '), 'residue')
    )
FROM charges
GROUP BY ALL;

CREATE TABLE expected_invoices (
    InvoiceId VARCHAR NOT NULL,
    amount DECIMAL(38, 18) NOT NULL,
    BillingCurrency VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR,
    InvoiceIssuerName VARCHAR
);

COMMENT ON TABLE expected_invoices IS 'Invoices as accounting has them: the rows of the file that the configuration names under invoices';
COMMENT ON COLUMN expected_invoices.amount IS 'What the invoice comes to, in BillingCurrency';
COMMENT ON COLUMN expected_invoices.x_BillingPeriod IS 'Billing period that it is for, YYYY-MM; NULL: all that name it';
COMMENT ON COLUMN expected_invoices.InvoiceIssuerName IS 'Who sent it: an issuer''s name or a provider such as aws; NULL: anybody';

CREATE TABLE accounts (
    account_id VARCHAR NOT NULL,
    name VARCHAR,
    owner VARCHAR
);

COMMENT ON TABLE accounts IS 'Names and owners of accounts: the rows of the file that the configuration names under accounts, each id once';
COMMENT ON COLUMN accounts.account_id IS 'Key of SubAccountId and BillingAccountId';
COMMENT ON COLUMN accounts.name IS 'Stands in where the bill gives no name';
COMMENT ON COLUMN accounts.owner IS 'Who answers for its costs';

CREATE TABLE unloaded (
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    contents VARCHAR NOT NULL,
    unloaded_at TIMESTAMP NOT NULL,
    run_id VARCHAR NOT NULL
);

COMMENT ON TABLE unloaded IS 'Deliveries taken out by costmill unload, which no run loads again: one row per source, billing period and contents';
COMMENT ON COLUMN unloaded.contents IS 'Hash of the contents of the delivery''s files, whatever the settings';
COMMENT ON COLUMN unloaded.unloaded_at IS 'UTC';

COMMENT ON TABLE settings IS 'What the warehouse remembers of itself: warehouse_id, version (raised by every change), copy (the version last published, and the token in its name), reported_tags (keys that the rollups were made with, JSON), report:PERIOD (what a report was made from), unfinished:SOURCE:FINGERPRINT (a delivery of which billing periods are still to be loaded)';
