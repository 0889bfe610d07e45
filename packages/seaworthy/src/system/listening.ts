import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A process's own small server, away from the public (status, metrics, administration), which listens. */
export interface Listening {
  readonly port: number
  close(): Promise<void>
}

/**
 * Has a server listen.
 * @param options.port 0 takes a free one
 * @returns where, and what closes it at once, whatever is open
 * @throws what the server's `error` says, as a port that is taken
 */
export async function listening(server: Server, { port, host }: { readonly port: number; readonly host: string }): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
