-- One row per scenario x controller x scale and turn at a signal, over the seeds, from the turns of every run.
-- Means over vehicles are weighted with who came: a seed with more of them counts more.
SELECT
    cells.scenario,
    cells.controller,
    cells.scale,
    count(*) AS seeds,
    signal,
    from_edge,
    to_edge,
    groups,
    direction,
    kind,
    avg(flow ORDER BY seed) AS flow,
    avg(demand ORDER BY seed) AS demand,
    avg(green_share ORDER BY seed) AS green_share,
    avg(permissive_share ORDER BY seed) AS permissive_share,
    avg(cycle ORDER BY seed) AS cycle,
    avg(capacity ORDER BY seed) AS capacity,
    avg(saturation ORDER BY seed) AS saturation,
    sum(delay * demand ORDER BY seed) / nullif(sum(demand ORDER BY seed), 0) AS delay,
    avg(queue ORDER BY seed) AS queue,
    avg(queue_95 ORDER BY seed) AS queue_95,
    max(queue_max) AS queue_max,
    max(longest_wait) AS longest_wait,
    avg(spillback ORDER BY seed) AS spillback,
    sum(on_green * demand ORDER BY seed) / nullif(sum(demand ORDER BY seed), 0) AS on_green,
    cells.controller_spec,
    cells.scenario_key,
    cells.sumo_version,
    cells.package_version
FROM turns
JOIN cells USING (run_key)
GROUP BY
    cells.scenario, cells.scenario_key, cells.sumo_version, cells.package_version,
    cells.controller, cells.controller_spec, cells.scale,
    signal, from_edge, to_edge, groups, direction, kind
ORDER BY
    cells.scenario, cells.scenario_key, cells.package_version, cells.sumo_version,
    cells.scale, cells.controller, cells.controller_spec, signal, from_edge, to_edge;
