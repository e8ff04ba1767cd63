// With no line it gives nothing, and then nginx sends no header.
function whole(request) {
  const lines = request.rawHeadersIn.filter((line) => line[0].toLowerCase() === 'tracestate');
  return lines.map((line) => line[1]).join(',');
}

export default { whole };
