"""What things cost: usage measured, rates, periods and schedules."""
