"""Singer tap for customer feedback, product feedback and customer support APIs."""
