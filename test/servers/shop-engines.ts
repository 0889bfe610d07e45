import type { ShopEngines } from '../end-to-end/engines.ts'
import { serverKinds } from './server-kinds.ts'

const ENGINES = ['postgres', 'kafka', 'rabbitmq'] as const

/** Servers for a shop: those that run already, by their variables, and new ones for the rest, which end with `stop`. */
export async function startShopEngines(): Promise<{
  /** What a shop is told of them. Each name is a shop of its own. */
  readonly named: (prefix: string) => ShopEngines
  readonly stop: () => Promise<void>
}> {
  const servers = await Promise.all(
    ENGINES.map(async (engine) => {
      const kind = serverKinds.find(({ name }) => name === engine)!
      const running = process.env[kind.variable]
      if (running !== undefined && running !== '') return { engine, url: running, stop: async () => undefined }
      await kind.install()
      return { engine, ...(await kind.start()) }
    }),
  )
  const urls = Object.fromEntries(servers.map(({ engine, url }) => [engine, url])) as ShopEngines['urls']
  return {
    named: (prefix) => ({ urls, prefix }),
    stop: async () => void (await Promise.all(servers.map(({ stop }) => stop()))),
  }
}
