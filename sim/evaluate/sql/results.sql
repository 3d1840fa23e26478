-- The table of runs: one row per run, with the floor of the same scenario content, demand scale and seed.
-- The floor runs themselves are left out, except one that failed: that is news.
WITH floors AS (
    SELECT scenario_key, seed, scale, sumo_version, package_version, any_value(delay) AS floor
    FROM runs
    WHERE controller_id = getvariable('floor_controller') AND status = 'done'
    GROUP BY ALL
)
SELECT
    runs.scenario,
    runs.controller,
    runs.seed,
    runs.scale,
    runs.status,
    runs.reason,
    runs.delay,
    floors.floor,
    runs.delay - floors.floor AS control_delay,
    runs.* EXCLUDE (scenario, controller, seed, scale, status, reason, delay)
FROM runs
LEFT JOIN floors USING (scenario_key, seed, scale, sumo_version, package_version)
WHERE runs.controller_id <> getvariable('floor_controller') OR runs.status <> 'done'
ORDER BY
    runs.scenario, runs.scenario_key, runs.package_version, runs.sumo_version,
    runs.scale, runs.controller, runs.controller_spec, runs.seed, runs.run_key;
