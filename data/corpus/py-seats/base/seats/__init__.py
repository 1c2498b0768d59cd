from .hall import Hall, SeatError

__all__ = ["Hall", "SeatError"]
