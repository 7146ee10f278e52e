-- For wrk: sends the requests of a file in turn (raw HTTP, 0x1e between two), and prints what it saw as JSON.
-- With a second argument each connection pauses before a request, for so many ms in the mean.
local requests, next_one, pause_ms = {}, 0, nil

function init(args)
  local file = assert(io.open(args[1], "rb"))
  for raw in file:read("*a"):gmatch("[^\30]+") do requests[#requests + 1] = raw end
  file:close()
  next_one = math.random(#requests)
  pause_ms = tonumber(args[2])
  if not pause_ms then delay = nil end
end

function delay()
  return math.floor(math.random() * 2 * pause_ms + 0.5)
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\nSEEN {"answered":%d,"refused":%d,"broken":%d,"seconds":%.6f,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
