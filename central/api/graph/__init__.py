"""The GraphQL read API: one snapshot a query, bounded before it begins."""
