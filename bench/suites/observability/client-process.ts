import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { drive, getOf } from '../gateway/load.ts'

/** Makes requests when it is told to, and takes the spans that come of them: what both cost is not the server's. */
export interface DriveCommand {
  readonly port: number
  readonly requests: number
}

const collector = createServer((request, response) => {
  request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
})
collector.listen(0, '127.0.0.1', () => process.send?.({ collectorPort: (collector.address() as AddressInfo).port }))
process.on('message', ({ port, requests }: DriveCommand) => {
  void drive({ port, messages: [getOf('/orders/7')], requests, concurrency: 16 }).then(
    () => process.send?.('done'),
    (error: unknown) => process.send?.({ failure: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
