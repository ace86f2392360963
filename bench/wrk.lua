-- Sends the requests of a file, one a line ("GET path" or "POST path body"), each of them once, or the
-- one there is again and again; counts the statuses; prints one line of JSON at the end.
local requests, sent, again = {}, 0, false
statuses, exhausted = {}, false

local thread_of_load
function setup(thread)
  thread_of_load = thread
end

function init(arguments)
  for line in io.lines(arguments[1]) do
    local method, path, body = line:match("^(%u+) (%S+) ?(.*)$")
    local headers = {}
    if method == "POST" then headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, method == "POST" and body or nil)
  end
  again = #requests == 1
end

function request()
  if again then return requests[1] end
  sent = sent + 1
  if sent > #requests then
    exhausted = true
    wrk.thread:stop()
    return requests[#requests]
  end
  return requests[sent]
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

function done(summary, latency)
  local counts = {}
  for status, count in pairs(thread_of_load:get("statuses")) do
    counts[#counts + 1] = string.format('"%d": %d', status, count)
  end
  local errors = summary.errors
  print(string.format(
    '{"exhausted": %s, "microseconds": %d, "p50": %d, "p99": %d, "broken": %d, "statuses": {%s}}',
    tostring(thread_of_load:get("exhausted")), summary.duration, latency:percentile(50),
    latency:percentile(99), errors.connect + errors.read + errors.write + errors.timeout,
    table.concat(counts, ", ")))
end
