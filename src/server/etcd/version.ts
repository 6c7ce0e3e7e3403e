/** etcd's version whose API this is; clients take it apart at the dots. */
export const ETCD_VERSION = '3.6.0'
