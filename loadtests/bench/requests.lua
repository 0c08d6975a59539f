-- Sends the bodies of a file in turn, each marked with a word that no request had before, so that nothing which
-- remembers texts has seen one. Arguments: the file, the number of the first word, and headers as `Name: value`.

local MARK = "@@@@@@"
local heads, tails, count, sent = {}, {}, 0, 0

local function word(number)
  local letters = {}
  for place = 1, #MARK do
    letters[place] = 97 + number % 26
    number = math.floor(number / 26)
  end
  return string.char(unpack(letters))
end

function init(args)
  sent = tonumber(args[2])
  wrk.headers["Content-Type"] = "application/json"
  for place = 3, #args do
    local name, value = args[place]:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  for line in io.lines(args[1]) do
    local text = wrk.format("POST", nil, nil, line)
    local from, to = text:find(MARK, 1, true)
    count = count + 1
    heads[count], tails[count] = text:sub(1, from - 1), text:sub(to + 1)
  end
end

function request()
  sent = sent + 1
  local place = sent % count + 1
  return heads[place] .. word(sent) .. tails[place]
end

function done(summary, latency, requests)
  local errors = summary.errors
  local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    'RESULT {"answers": %d, "microseconds": %d, "bytes": %d, "p50_us": %d, "p99_us": %d, "errors": %d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), wrong))
end
