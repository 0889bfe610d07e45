import type { GrpcImplementation } from '@seaworthy/rpc/grpc'
import { exchangeOf, type HttpServer } from '@seaworthy/rpc/rest'
import type { InjectedFaults } from '@seaworthy/supervisor/injected-faults'

/** Lets every request of a server suffer what `seaworthy fault` asked for; health checks do not, because the process is well. */
export function sufferOverHttp(server: HttpServer, faults: InjectedFaults): void {
  server.fastify.addHook('preHandler', async (request) => {
    if ((request.routeOptions.config as { quiet?: boolean }).quiet === true) return
    const suffering = faults.suffer(exchangeOf(request).call.signal)
    if (suffering !== undefined) await suffering
  })
}

/** The same for calls over gRPC. */
export function sufferingOverGrpc(implementation: GrpcImplementation, faults: InjectedFaults): GrpcImplementation {
  const handlers = Object.fromEntries(
    Object.entries(implementation.handlers).map(([name, handler]) => [
      name,
      async (...call: Parameters<typeof handler>) => {
        const suffering = faults.suffer(call[1].signal)
        if (suffering !== undefined) await suffering
        return handler(...call)
      },
    ]),
  )
  return { ...implementation, handlers }
}
