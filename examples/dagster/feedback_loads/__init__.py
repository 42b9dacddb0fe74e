"""Regular syncs and backfills of many tenants by tap-feedback, as Dagster assets."""
