import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One side of a moving route: it keeps the number of every write that it was given, and sends back what comes on a WebSocket. Tells its port, and, asked, its writes. */
const writes: string[] = []
const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const write = request.headers['x-write']
  request.resume().on('end', () => {
    if (typeof write === 'string') writes.push(write)
    response.end('done')
  })
})
server.on('upgrade', (_request, socket) => {
  socket.on('error', () => socket.destroy())
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
  socket.pipe(socket)
})
process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.({ writes }))
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
