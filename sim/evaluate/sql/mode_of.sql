-- The mode of traffic of each of SUMO's vehicle classes.
CREATE OR REPLACE TEMP MACRO mode_of(class) AS CASE
    WHEN class IN ('truck', 'trailer', 'delivery', 'container') THEN 'truck'
    WHEN class IN ('bus', 'coach') THEN 'bus'
    WHEN class IN ('tram', 'cable_car', 'subway', 'rail_urban', 'rail', 'rail_electric', 'rail_fast') THEN 'tram'
    WHEN class IN ('bicycle', 'scooter') THEN 'bicycle'
    WHEN class IN ('pedestrian', 'wheelchair') THEN 'pedestrian'
    WHEN class IN ('emergency', 'authority', 'army', 'vip') THEN 'emergency'
    ELSE 'car'
END;
