import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A monolith, or the service that takes its place, in a process of its own: a list of 2 KB, with what differs by nature. Tells its port. */
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const page = Number(request.url?.split('/').at(-1))
  const items = Array.from({ length: 20 }, (_, index) => ({
    id: page * 20 + index,
    title: `Product ${index} of page ${page}`,
    price: index + 0.99,
  }))
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ items, page, at: new Date().toISOString(), requestId: crypto.randomUUID() }))
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
