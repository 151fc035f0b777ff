package dev.banyan.server.batch;

/**
 * Whose turn it is: rows of one lane are served in the order they came, lanes of one tenant share
 * the tenant's turns, and tenants share the model.
 *
 * @param tenant who asks; the tenants' turns rotate
 * @param adapter what they ask; the turns of a tenant's adapters rotate within the tenant's
 */
public record Lane(String tenant, String adapter) {}
