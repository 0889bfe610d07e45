import { httpServer, serve } from '@seaworthy/rpc/rest'
import { grpcServer, implement } from '@seaworthy/rpc/grpc'
import { Ledger } from './grpc/gen/ledger_pb.js'
import { reviews } from './fixtures.ts'

/** A process that serves both wires, and is killed with a call in its hands. Says on stdout where it listens, and when a call is in. */
const hang = () => {
  process.stdout.write('handling\n')
  return new Promise<never>(() => {})
}

const rest = httpServer({ port: 0 })
serve(rest, reviews, { createReview: hang, listReviews: hang, getReview: hang, deleteReview: hang })
const grpc = grpcServer({ port: 0, services: [implement(Ledger, { post: hang, balance: hang })] })
await rest.start()
await grpc.start()
process.stdout.write(`${JSON.stringify({ url: rest.url, address: grpc.address })}\n`)
