import type { TraceReference } from './trace-marker.ts'

/**
 * Whose work the sessions of this process do, by the server and the process id there. What ended last stays until the session begins something else or closes: who
 * loses a deadlock asks for the other one after that one could go on.
 */
export type Holders = Map<number, TraceReference>

const servers = new Map<string, Holders>()
// Starts of servers that this process saw. One that is forgotten costs names, and nothing else.
const SERVERS_MAX = 100

/** Those of one server. @param server tells it from any other, and from itself before it was started again */
export function holdersOn(server: string): Holders {
  let holders = servers.get(server)
  if (holders === undefined) {
    if (servers.size >= SERVERS_MAX) servers.delete(servers.keys().next().value!)
    holders = new Map()
    servers.set(server, holders)
  }
  return holders
}
