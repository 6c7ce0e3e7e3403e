/** Our client of etcd's API, by one contract against our clusters and against etcd itself. */
import { describe } from 'vitest'
import { etcdClientContract } from './support/client-contract.js'
import { OURS, startEtcd } from './support/targets.js'

const ALL = [...OURS, ['three members of etcd', () => startEtcd(3)] as const]

describe.each(ALL)('EtcdClient on %s', (_, start) => {
  etcdClientContract(start)
})
