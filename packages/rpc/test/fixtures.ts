import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import {
  restContract,
  httpServer,
  type HttpServer,
  type HttpServerOptions,
  restClient,
  type RestClientOptions,
  type RestHandlers,
  serve,
} from '@seaworthy/rpc/rest'
import {
  grpcClient,
  type GrpcClientOptions,
  type GrpcHandlers,
  grpcServer,
  type GrpcServer,
  type GrpcServerOptions,
  implement,
} from '@seaworthy/rpc/grpc'
import type { ServerLog } from '@seaworthy/rpc'
import { type CallContext, remainingMs, rootContext } from 'seaworthy/core'
import { z } from 'zod'
import { Ledger } from './grpc/gen/ledger_pb.js'

/** A small service with every kind of input. */
export const reviews = restContract({
  title: 'reviews',
  version: '1.0.0',
  operations: {
    createReview: {
      method: 'POST',
      path: '/api/reviews',
      summary: 'Writes a review',
      body: z.object({
        productId: z.string().min(1),
        rating: z.number().int().min(1).max(5),
        lines: z.array(z.object({ quantity: z.number().int().min(1) })).optional(),
      }),
      responses: { 201: z.object({ id: z.string(), seen: z.string() }) },
      idempotencyKey: 'optional',
    },
    listReviews: {
      method: 'GET',
      path: '/api/reviews',
      summary: 'Lists reviews',
      query: z.object({ page: z.coerce.number().int().min(1).default(1), tag: z.union([z.string(), z.array(z.string())]).optional() }),
      headers: z.object({ 'x-tenant': z.string().optional() }),
      responses: { 200: z.object({ page: z.number(), tags: z.array(z.string()), tenant: z.string().nullable() }) },
    },
    getReview: {
      method: 'GET',
      path: '/api/reviews/{id}',
      summary: 'Finds a review',
      params: z.object({ id: z.string() }),
      responses: { 200: z.object({ id: z.string() }) },
    },
    deleteReview: {
      method: 'DELETE',
      path: '/api/reviews/{id}',
      summary: 'Deletes a review',
      params: z.object({ id: z.string() }),
      responses: { 204: null },
      idempotencyKey: 'required',
    },
  },
})

export type ReviewHandlers = RestHandlers<(typeof reviews)['operations']>
export type LedgerHandlers = GrpcHandlers<typeof Ledger>

/** What a handler saw of its context, in a form that fits into an answer. */
export interface Seen extends Partial<CallContext> {
  readonly leftMs: number | null
}

export const seen = (call: CallContext): string => {
  const { signal: _, ...fields } = call
  const leftMs = remainingMs(call)
  return JSON.stringify({ ...fields, leftMs: Number.isFinite(leftMs) ? leftMs : null })
}

const REVIEW_HANDLERS: ReviewHandlers = {
  createReview: ({ body, call }) => ({ status: 201, body: { id: body.productId, seen: seen(call) } }),
  listReviews: ({ query, headers }) => ({
    status: 200,
    body: { page: query.page, tags: query.tag === undefined ? [] : [query.tag].flat(), tenant: headers['x-tenant'] ?? null },
  }),
  getReview: ({ params }) => ({ status: 200, body: { id: params.id } }),
  deleteReview: () => ({ status: 204 }),
}

const LEDGER_HANDLERS: LedgerHandlers = {
  post: ({ account, memo }, call) => ({ entryId: account, memo, seen: seen(call) }),
  balance: () => ({ cents: 5n }),
}

/** A log that keeps what it is told. */
export function recordingLog(): ServerLog & { readonly lines: { level: string; fields: { err?: Error }; message: string }[] } {
  const lines: { level: string; fields: { err?: Error }; message: string }[] = []
  return {
    lines,
    error: (fields, message) => lines.push({ level: 'error', fields, message }),
    warn: (fields, message) => lines.push({ level: 'warn', fields, message }),
  }
}

/** A running REST server and a client of it; both end with the test. */
export async function startReviews(
  t: TestContext,
  handlers: Partial<ReviewHandlers> = {},
  options: Partial<HttpServerOptions> & { readonly client?: Partial<RestClientOptions> } = {},
) {
  const log = recordingLog()
  const server = httpServer({ port: 0, logger: log, ...options })
  serve(server, reviews, { ...REVIEW_HANDLERS, ...handlers })
  await server.start()
  t.after(() => server.drain({ timeoutMs: 0, lingerMs: 0 }))
  return { server, log, client: reviewsClient(t, server, options.client) }
}

export function reviewsClient(t: TestContext, server: Pick<HttpServer, 'url'>, options: Partial<RestClientOptions> = {}) {
  const client = restClient(reviews, { baseUrl: server.url, ...options })
  t.after(() => client[Symbol.dispose]())
  return client
}

/** A running gRPC server and a client of it; both end with the test. */
export async function startLedger(
  t: TestContext,
  handlers: Partial<LedgerHandlers> = {},
  options: Partial<GrpcServerOptions> & { readonly client?: Partial<GrpcClientOptions> } = {},
) {
  const log = recordingLog()
  const server = grpcServer({ port: 0, logger: log, services: [implement(Ledger, { ...LEDGER_HANDLERS, ...handlers })], ...options })
  await server.start()
  t.after(() => server.drain({ timeoutMs: 0 }))
  return { server, log, client: ledgerClient(t, server, options.client) }
}

export function ledgerClient(t: TestContext, server: Pick<GrpcServer, 'address'>, options: Partial<GrpcClientOptions> = {}) {
  const client = grpcClient(Ledger, { address: server.address, ...options })
  t.after(() => client[Symbol.dispose]())
  return client
}

/** A context with so much time left. */
export const within = (timeoutMs: number, fields: Partial<CallContext> = {}): CallContext =>
  rootContext({ ...fields, deadlineMs: performance.now() + timeoutMs })

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The error that a promise rejects with. */
export async function failureOfCall(promise: Promise<unknown>): Promise<Error & { executed?: string; code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('The call should have failed.')
}

/** Waits until `condition` holds, at most 5 s. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`It did not come about within 5 s: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
