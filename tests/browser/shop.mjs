// A shop as its services would tell of it: phones, a gateway, and what they call.

import { FLAGS, newSpanId, newTraceId, request, span } from './otlp.mjs';

const APPS = {
  android: { app: 'shopapp@18ff4c0a0d8fd8d', version: '5.2.0' },
  ios: { app: 'shopapp@9b1e77c2d4', version: '5.2.1' },
  browser: { app: 'shopweb@2c6f0b55', version: '2026.11' },
  miniapp: { app: 'shopmini@77ab01', version: '3.0.9' },
};

/** What the first SERVER span tells of the phone. */
export function phone(type, { session = 'b2ff0a9d4f6742d2b6f0d6a3f1e8c101', user = 'uid_bes8x1g38w6lff60' } = {}) {
  const { app, version } = APPS[type];
  return {
    attrs: { 'rum.app.id': app, 'rum.app.type': type, 'rum.app.version': version, 'session.id': session, 'user.id': user },
    traceState: `rum=v2&${type}&${app}&${session}&${user}`,
  };
}

export function http(method, route, status, more = {}) {
  return { 'http.request.method': method, 'http.route': route, 'url.path': route, 'url.scheme': 'https', 'server.address': 'shop.example', 'http.response.status_code': status, 'network.protocol.version': '2', 'user_agent.original': 'ShopApp/5.2', ...more };
}

/**
 * An order: the phone, the gateway, the shop, which asks the stock and pays.
 * `fail`: the payment is refused; `lose`: the stock's SERVER span knows nothing of the phone.
 */
export function order({ base, type = 'android', who = {}, scale = 1, fail = false, lose = false }) {
  const trace = newTraceId();
  const ids = Object.fromEntries(['phone', 'edge', 'edgeCall', 'shop', 'cart', 'stockCall', 'stock', 'sql', 'redis', 'payCall', 'pay', 'bank', 'publish'].map((name) => [name, newSpanId()]));
  const { attrs, traceState } = phone(type, who);
  const common = { trace, base, traceState };
  const make = (id, parent, name, kind, at, took, more = {}) => span({ ...common, id: ids[id], parent: ids[parent] ?? '', name, kind, at: at * scale, took: took * scale, ...more });
  const failed = fail ? { error: 'the bank refused: insufficient funds' } : {};
  const status = fail ? 502 : 201;
  const spans = {
    gateway: [
      make('edge', 'phone', 'POST /orders', 'server', 0, 480, { attrs: { ...attrs, ...http('POST', '/orders', status) }, flags: FLAGS.remote, ...(fail ? { error: '' } : {}) }),
      make('edgeCall', 'edge', 'POST', 'client', 6, 468, { attrs: { ...http('POST', '/orders', status), 'server.address': 'shop.internal', 'server.port': 8080 } }),
    ],
    shop: [
      make('shop', 'edgeCall', 'POST /orders', 'server', 10, 460, { attrs: { ...attrs, ...http('POST', '/orders', status) }, flags: FLAGS.remote, ...failed }),
      make('cart', 'shop', 'price the cart', 'internal', 14, 52, { attrs: { 'cart.items': 7, 'cart.total': 129.9, 'cart.currency': 'EUR', 'cart.coupons': ['WELCOME10', 'FREESHIP'] }, events: [{ name: 'coupon applied', at: 32 * scale, attrs: { 'coupon.code': 'WELCOME10' } }, { name: 'tax computed', at: 58 * scale }] }),
      make('stockCall', 'shop', 'POST /reservations', 'client', 70, 118, { attrs: { ...http('POST', '/reservations', 200), 'server.address': 'stock.internal', 'server.port': 8080 } }),
      make('payCall', 'shop', 'pay.v1.Payments/Charge', 'client', 290, 150, { attrs: { 'rpc.system.name': 'grpc', 'rpc.method': 'pay.v1.Payments/Charge', 'server.address': 'pay.internal', 'server.port': 50051 }, ...failed }),
      make('publish', 'shop', 'send orders', 'producer', 446, 9, { attrs: { 'messaging.system': 'kafka', 'messaging.destination.name': 'orders', 'server.address': 'kafka.internal', 'server.port': 9092 } }),
    ],
    stock: [
      make('stock', 'stockCall', 'POST /reservations', 'server', 76, 106, { attrs: { ...(lose ? {} : attrs), ...http('POST', '/reservations', 200) }, flags: FLAGS.remote, ...(lose ? { traceState: '' } : {}) }),
      make('redis', 'stock', 'GET stock:sku', 'client', 80, 6, { attrs: { 'db.system.name': 'redis', 'server.address': 'cache.internal', 'server.port': 6379 } }),
      make('sql', 'stock', 'UPDATE reservations', 'client', 90, 84, { attrs: { 'db.system.name': 'postgresql', 'db.query.text': 'UPDATE reservations\n   SET held = held + $1\n WHERE sku = $2', 'server.address': 'db.internal', 'server.port': 5432 } }),
    ],
    payment: [
      make('pay', 'payCall', 'pay.v1.Payments/Charge', 'server', 296, 140, { attrs: { ...attrs, 'rpc.system.name': 'grpc', 'rpc.method': 'pay.v1.Payments/Charge' }, flags: FLAGS.remote, ...failed, events: fail ? [{ name: 'exception', at: 430 * scale, attrs: { 'exception.type': 'BankRefused', 'exception.message': 'insufficient funds', 'exception.stacktrace': 'BankRefused: insufficient funds\n   at payment::charge (src/charge.rs:88)\n   at payment::serve (src/main.rs:31)' } }] : [] }),
      make('bank', 'pay', 'POST', 'client', 304, 122, { attrs: { ...http('POST', '/v2/charges', fail ? 402 : 200), 'server.address': 'api.bank.example', 'server.port': 443 } }),
    ],
  };
  return { trace, ids, body: request(spans) };
}

/** A quick look: the phone, the gateway, the catalogue. */
export function browse({ base, type = 'ios', who = {}, route = '/products/{id}', took = 38, status = 200 }) {
  const trace = newTraceId();
  const ids = { phone: newSpanId(), edge: newSpanId(), call: newSpanId(), catalog: newSpanId(), search: newSpanId() };
  const { attrs, traceState } = phone(type, who);
  const common = { trace, base, traceState };
  const error = status >= 500 ? { error: '' } : {};
  const answer = http('GET', route, status, { 'url.path': route.replace('{id}', '4711') });
  return {
    trace,
    ids,
    body: request({
      gateway: [
        span({ ...common, id: ids.edge, parent: ids.phone, name: `GET ${route}`, kind: 'server', took, attrs: { ...attrs, ...answer }, flags: FLAGS.remote, ...error }),
        span({ ...common, id: ids.call, parent: ids.edge, name: 'GET', kind: 'client', at: took * 0.08, took: took * 0.86, attrs: { ...answer, 'server.address': 'catalog.internal', 'server.port': 8080 }, ...error }),
      ],
      catalog: [
        span({ ...common, id: ids.catalog, parent: ids.call, name: `GET ${route}`, kind: 'server', at: took * 0.12, took: took * 0.78, attrs: { ...attrs, ...answer }, flags: FLAGS.remote, ...error }),
        span({ ...common, id: ids.search, parent: ids.catalog, name: 'search products', kind: 'client', at: took * 0.2, took: took * 0.6, attrs: { 'db.system.name': 'elasticsearch', 'server.address': 'search.internal', 'server.port': 9200 } }),
      ],
    }),
  };
}

/** One trace of so many spans: a fan of requests of some depth under one SERVER span. */
export function large({ base, spans = 10_000 }) {
  const trace = newTraceId();
  const root = newSpanId();
  const { attrs, traceState } = phone('android');
  const each = 1000 / spans;
  const all = { shop: [], stock: [], payment: [] };
  const names = Object.keys(all);
  all.shop.push(span({ trace, base, id: root, parent: newSpanId(), name: 'GET /report', kind: 'server', took: 1000, attrs: { ...attrs, ...http('GET', '/report', 200) }, traceState, flags: FLAGS.remote }));
  let parents = [];
  for (let n = 1; n < spans; n += 1) {
    const depth = (n - 1) % 5;
    const id = newSpanId();
    const at = (n - 1) * each;
    all[names[depth % 3]].push(span({ trace, base, id, parent: depth === 0 ? root : parents[depth - 1], name: `step ${n}`, at, took: Math.max((5 - depth) * each, 0.001), ...(n % 997 === 0 ? { error: 'now and then' } : {}) }));
    parents = [...parents.slice(0, depth), id];
  }
  return { trace, root, bodies: Object.entries(all).flatMap(([service, list]) => chunks(list, 2000).map((part) => request({ [service]: part }))) };
}

function chunks(list, size) {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) => list.slice(index * size, (index + 1) * size));
}
