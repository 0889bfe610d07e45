import { once } from 'node:events'
import { createServer } from 'node:http'
import { cutOverSchema, type Mapping, serveSide, type SideName, sqliteSide } from '@seaworthy/strangler/cut-over'
import type { ServiceComposition } from '../../shop/platform/service-ports.ts'

export interface MovingSide {
  readonly mapping: Mapping
  readonly side: SideName
  /** On loopback, for the cut-over alone. */
  readonly port: number
  readonly token: string
}

/** The same service, with its side of a cut-over beside it: as long as its data moves, the process that writes the file serves it to whoever moves it. */
export function withSide(composition: ServiceComposition, { mapping, side, port, token }: MovingSide): ServiceComposition {
  return {
    ...composition,
    schema: [() => cutOverSchema, ...composition.schema],
    async wire(ports) {
      await composition.wire(ports)
      const own = await sqliteSide({ mapping, side, database: ports.database })
      const server = createServer(serveSide(own, { token }))
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
      ports.onStop('side of the cut-over', async () => {
        server.close()
        server.closeAllConnections()
      })
    },
  }
}
