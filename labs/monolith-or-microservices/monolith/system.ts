import { defineSystem } from 'seaworthy/system'
import { gatewayBefore, routes } from '../last-stage.ts'
import { service } from './service.ts'

/** The shop before its stage 0, behind the gateway that the services have: `npx seaworthy start labs/monolith-or-microservices/monolith/system.ts --gateway-port 0`. */
export const system = defineSystem({
  name: 'monolith',
  services: [gatewayBefore([service]), service],
  routes: routes.map((route) => ({ ...route, service: service.name })),
})
