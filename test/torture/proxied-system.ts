import { defineSystem } from 'seaworthy/system'
import { system as shop } from '../../shop/system.ts'

/** The shop with a fault proxy on every connection between its processes: the same services, each led into its main by a module that asks for the proxies. */
export const system = defineSystem({
  name: shop.name,
  services: shop.services.map((service) => ({ ...service, main: new URL('proxied-main.ts', import.meta.url) })),
  routes: shop.routes,
  standIns: shop.standIns,
})
