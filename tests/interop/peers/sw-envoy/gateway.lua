-- The application in the gateway: answers what it received; if the request names a next
-- service, that one is called by Envoy itself, and its answer put into this one's.

local reported = {"traceparent", "tracestate", "baggage", "sw8", "sw8-correlation", "sw8-x"}

local function quoted(text)
  return '"' .. text:gsub('[\\"]', '\\%0') .. '"'
end

local function received(headers)
  local members = {}
  for _, name in ipairs(reported) do
    local value = headers:get(name)
    if value then
      members[#members + 1] = quoted(name) .. ":" .. quoted(value)
    end
  end
  return "{" .. table.concat(members, ",") .. "}"
end

local function answer(seen, next)
  local text = '{"service":' .. quoted(os.getenv("SERVICE_NAME")) .. ',"received":' .. seen
  return text .. (next and ',"next":' .. next or "") .. "}"
end

local function decoded(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local seen = received(headers)
  local next = headers:get(":path"):match("[?&]next=([^&]*)")
  if not next then
    handle:respond({[":status"] = "200", ["content-type"] = "application/json"}, answer(seen))
    return
  end
  local authority, path = decoded(next):match("^http://([^/]+)(/.*)$")
  headers:replace(":authority", authority)
  headers:replace(":path", path)
  headers:replace("x-envoy-original-dst-host", authority)
  handle:streamInfo():dynamicMetadata():set("interop", "seen", seen)
end

function envoy_on_response(handle)
  local metadata = handle:streamInfo():dynamicMetadata():get("interop")
  if not metadata then
    return
  end
  local body = handle:body()
  local length = body:setBytes(answer(metadata.seen, body:getBytes(0, body:length())))
  handle:headers():replace("content-length", length)
end
