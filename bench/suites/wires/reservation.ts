import { createServer, connect, type Socket } from 'node:net'
import { grpcClient, grpcServer, implement } from '@seaworthy/rpc/grpc'
import { type ContractSchema, httpServer, restClient, restContract, serve } from '@seaworthy/rpc/rest'
import { Inventory } from '../../../shop/services/inventory/contract/gen/inventory_pb.js'
import { cpuNsPerCall } from '../../harness/meters.ts'
import type { Contender } from '../../harness/suite.ts'

interface Reservation {
  readonly orderId: string
  readonly lines: readonly { readonly productId: string; readonly quantity: number }[]
}

const CONCURRENCY = 16
const reservation = (lines: number): Reservation => ({
  orderId: '0197b1f2-7c4e-7d1a-9c31-5a0d6f5b2e11',
  lines: Array.from({ length: lines }, (_, index) => ({ productId: `product-${index}`, quantity: 1 + (index % 9) })),
})

/** A schema that looks at every field, as the generated code of the other wire does. */
function schema<T>(isValid: (value: never) => boolean): ContractSchema<T, T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'bench',
      validate: (value) => (isValid(value as never) ? { value: value as T } : { issues: [{ message: 'is another shape' }] }),
      jsonSchema: { input: () => ({ type: 'object' }) },
    },
  }
}

const contract = restContract({
  title: 'Inventory',
  version: '1',
  operations: {
    reserve: {
      method: 'POST',
      path: '/reservations',
      summary: 'Sets stock aside.',
      body: schema<Reservation>(
        ({ orderId, lines }: Reservation) =>
          typeof orderId === 'string' &&
          lines.every(({ productId, quantity }) => typeof productId === 'string' && Number.isInteger(quantity)),
      ),
      responses: {
        201: schema<{ reservationId: string }>(({ reservationId }: { reservationId: unknown }) => typeof reservationId === 'string'),
      },
    },
  },
})

/** Makes calls, so many at a time. */
type Calls = (calls: number) => Promise<void>

function atATime(call: () => Promise<{ reservationId: string }>): Calls {
  return async (calls) => {
    let begun = 0
    const lane = async () => {
      while (begun++ < calls) if ((await call()).reservationId !== 'r-1') throw new Error('That is no answer.')
    }
    await Promise.all(Array.from({ length: CONCURRENCY }, lane))
  }
}

/** Counts what passes in both directions, for bytes alone: it costs CPU time of its own. */
async function metered(port: number): Promise<{ port: number; bytes: () => number }> {
  let bytes = 0
  const counting = (from: Socket, to: Socket) =>
    from.on('data', (chunk) => ((bytes += chunk.length), to.write(chunk))).on('error', () => to.destroy())
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    counting(near, far)
    counting(far, near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, bytes: () => bytes }
}

async function overRest(): Promise<number> {
  const server = httpServer({ port: 0 })
  serve(server, contract, { reserve: () => ({ status: 201, body: { reservationId: 'r-1' } }) })
  await server.start()
  return server.port
}

async function overGrpc(): Promise<number> {
  const service = implement(Inventory, { reserve: () => ({ reservationId: 'r-1' }), release: () => ({}), getStock: () => ({}) })
  const server = grpcServer({ port: 0, services: [service] })
  await server.start()
  return server.port
}

function restCalls(port: number, lines: number): Calls {
  const client = restClient(contract, { baseUrl: `http://127.0.0.1:${port}` })
  const body = reservation(lines)
  return atATime(async () => (await client.reserve({ body })).body)
}

function grpcCalls(port: number, lines: number): Calls {
  const client = grpcClient(Inventory, { address: `127.0.0.1:${port}` })
  const request = reservation(lines)
  return atATime(() => client.reserve({ orderId: request.orderId, lines: [...request.lines] }))
}

const cpuOf =
  (start: () => Promise<number>, callsTo: (port: number, lines: number) => Calls, lines: number): Contender =>
  async ({ quick }) => {
    const calls = callsTo(await start(), lines)
    const times = quick ? 300 : 6_000
    await calls(times)
    return () => cpuNsPerCall(calls, times)
  }

const bytesOf =
  (start: () => Promise<number>, callsTo: (port: number, lines: number) => Calls, lines: number): Contender =>
  async () => {
    const meter = await metered(await start())
    const calls = callsTo(meter.port, lines)
    // The connection and what it compresses by: later calls are smaller than the first.
    await calls(200)
    return async () => {
      const before = meter.bytes()
      await calls(1_000)
      return (meter.bytes() - before) / 1_000
    }
  }

export const grpcSmall = cpuOf(overGrpc, grpcCalls, 2)
export const restSmall = cpuOf(overRest, restCalls, 2)
export const grpcLarge = cpuOf(overGrpc, grpcCalls, 200)
export const restLarge = cpuOf(overRest, restCalls, 200)
export const grpcSmallBytes = bytesOf(overGrpc, grpcCalls, 2)
export const restSmallBytes = bytesOf(overRest, restCalls, 2)
export const grpcLargeBytes = bytesOf(overGrpc, grpcCalls, 200)
export const restLargeBytes = bytesOf(overRest, restCalls, 200)
