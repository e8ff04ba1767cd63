'use strict';
// The agent first: it wraps what is required after it.
const { default: agent } = require('skywalking-backend-js');
agent.start();
const http = require('http');

const REPORTED = ['traceparent', 'tracestate', 'baggage', 'sw8', 'sw8-correlation', 'sw8-x'];

function get(url) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { timeout: 20000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => (text += piece));
      response.on('end', () => {
        try {
          resolve(JSON.parse(text));
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('error', reject);
    request.end();
  });
}

async function call(request, response) {
  const names = REPORTED.filter((name) => name in request.headers);
  const answer = {
    service: process.env.SERVICE_NAME,
    received: Object.fromEntries(names.map((name) => [name, request.headers[name]])),
  };
  const next = new URL(request.url, 'http://localhost').searchParams.get('next');
  try {
    if (next) answer.next = await get(next);
  } catch (error) {
    answer.error = String(error);
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
}

const server = http.createServer(call);
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

process.on('SIGTERM', async () => {
  await agent.flush();
  process.exit();
});
