/** What moves the data of a module, by itself: `cut-over-process.ts MODULE OLD_SIDE_URL NEW_SIDE_URL PORT`. */
import { createServer } from 'node:http'
import { remoteSide, serveCutOver, startCutOver } from '@seaworthy/strangler/cut-over'
import { MAPPINGS, type MovingModule } from './mappings.ts'

const [module, oldUrl, newUrl, port] = process.argv.slice(2)
const token = process.env['LAB_TOKEN'] ?? ''
const cutOver = startCutOver({
  mapping: MAPPINGS[module as MovingModule],
  old: remoteSide({ url: oldUrl!, token }),
  new: remoteSide({ url: newUrl!, token }),
  // On a machine that does other things a switch may need longer than the second of the default.
  limits: { pollMs: 20, switchMaxMs: 5_000, readyAgeMaxMs: 10_000 },
  onStray: ({ table, row }) => console.log(`the monolith wrote ${table} ${row}, which another owns`),
})
const server = createServer(serveCutOver(cutOver, { token }))
server.listen(Number(port), '127.0.0.1')
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  void cutOver.stop().then(() => process.exit(0))
})
