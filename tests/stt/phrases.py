"""What callers say in these tests."""

COMPLAINT = "您好我要投诉产品质量太差了"
