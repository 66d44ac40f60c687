-- Leaves in a document only what its writer need fetch from nowhere. Run by converters/pandoc.py
-- where it is read: only what came inside the file is in the media bag then.

local kept = { title = true, subtitle = true, author = true, date = true, lang = true }
local signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(content)
  local out = {}
  for place = 1, #content, 3 do
    local a, b, c = content:byte(place, place + 2)
    local word = (a << 16) | ((b or 0) << 8) | (c or 0)
    local four = ""
    for shift = 18, 0, -6 do
      local digit = ((word >> shift) & 63) + 1
      four = four .. signs:sub(digit, digit)
    end
    if not b then
      four = four:sub(1, 2) .. "=="
    elseif not c then
      four = four:sub(1, 3) .. "="
    end
    out[#out + 1] = four
  end
  return table.concat(out)
end

function Meta(meta)
  for name, _ in pairs(meta) do
    if not kept[name] then
      meta[name] = nil
    end
  end
  return meta
end

function Image(image)
  local kind, content = pandoc.mediabag.lookup(image.src)
  if content then
    image.src = "data:" .. kind .. ";base64," .. base64(content)
    return image
  end
  if image.src:sub(1, 5) == "data:" then
    return image
  end
  return image.caption
end

local function drop()
  return {}
end

RawInline = drop
RawBlock = drop
