"""What came out of the runs: KPIs as SQL, floors, tables."""
