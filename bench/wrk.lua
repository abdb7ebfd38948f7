-- args: the file of requests, the number of threads, and what begins each {txn}.
-- A line of the file is a request: method, path, token and body. wrk's threads begin at different
-- lines and go round, each for all its connections.

local counter = 0
function setup(thread)
  thread:set("number", counter)
  counter = counter + 1
end

local requests, at, sent, txn = {}, 0, 0, ""

function init(args)
  for line in io.lines(args[1]) do
    local method, path, token, body = line:match("^(%S+) (%S+) (%S+) ?(.*)$")
    local headers = { ["Authorization"] = "Bearer " .. token }
    if body == "" then body = nil else headers["Content-Type"] = "application/json" end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
  at = math.floor(number * #requests / args[2])
  txn = args[3] .. "-" .. number .. "-"
end

function request()
  at = at % #requests + 1
  sent = sent + 1
  return (requests[at]:gsub("{txn}", txn .. sent, 1))
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'bench:{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout
  ))
end
