/** Version of the node, as every surface shows it. */
export const VERSION = '0.1.0';
