-- Asks for the paths in the file named after "--", one a line, again and again, or without one for the URL alone.
-- A number behind the file says how many lines others have asked for already.
-- Ends with one line of JSON about what came back.

function init(args)
  if not args[1] then return end
  local requests, nth = {}, tonumber(args[2] or 0)
  for path in io.lines(args[1]) do requests[#requests + 1] = wrk.format("GET", path) end
  function request()
    nth = nth % #requests + 1
    return requests[nth]
  end
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"duration_s":%.6f,"p50_s":%.6f,"p90_s":%.6f,"p99_s":%.6f,"max_s":%.6f,' ..
    '"bad_status":%d,"broken":%d,"timeouts":%d}',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e6, latency:percentile(90) / 1e6, latency:percentile(99) / 1e6, latency.max / 1e6,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout))
end
