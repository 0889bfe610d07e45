import type { Choreography } from 'seaworthy/system'

const reacts = (service: string, does: string, ...followedBy: string[]) => ({ service, does, followedBy })

/** A shop's, with a way that goes round, an event that nobody reacts to, and a topic that is heard without saying what for. */
export const CHOREOGRAPHY: Choreography = {
  events: [
    {
      type: 'customer.created',
      topic: 'customers',
      by: 'monolith',
      reactions: [
        reacts('payments', 'checks the credit', 'credit.checked'),
        reacts('notifications', 'writes a welcome'),
        reacts('analytics', 'counts the customer'),
      ],
    },
    { type: 'credit.checked', topic: 'payments', by: 'payments', reactions: [reacts('monolith', 'sets the limit for one order')] },
    { type: 'order.completed', topic: 'orders', by: 'orders', reactions: [reacts('order-history', 'records the order')] },
    { type: 'ping', topic: 'games', by: 'left', reactions: [reacts('right', 'answers', 'pong')] },
    { type: 'pong', topic: 'games', by: 'right', reactions: [reacts('left', 'answers', 'ping')] },
    { type: 'payment.declined', topic: 'payments', by: 'payments', reactions: [] },
  ],
  topics: [{ topic: 'clicks', by: null, heardBy: ['analytics'] }],
}
