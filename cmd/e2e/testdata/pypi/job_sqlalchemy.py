# requires: sqlalchemy typing_extensions
"""The ORM and the expression language on SQLite, in memory and in /tmp."""

import os
from typing import List
from sqlalchemy import ForeignKey, String, create_engine, func, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(30), unique=True)
    orders: Mapped[List["Order"]] = relationship(back_populates="user", cascade="all, delete-orphan")


class Order(Base):
    __tablename__ = "order"
    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[float]
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    user: Mapped[User] = relationship(back_populates="orders")


def handler(event, context):
    path = "/tmp/shop.db"
    if os.path.exists(path):
        os.remove(path)
    engine = create_engine("sqlite:///" + path)
    Base.metadata.create_all(engine)
    with Session(engine) as s:
        s.add_all([User(name="ada", orders=[Order(amount=2.5), Order(amount=4)]), User(name="bob")])
        s.commit()
        totals = s.execute(select(User.name, func.coalesce(func.sum(Order.amount), 0)).outerjoin(User.orders).group_by(User.id).order_by(User.name)).all()
        s.add(User(name="ada"))
        try:
            s.commit()
            error = None
        except IntegrityError as exc:
            s.rollback()
            error = str(exc.orig)
        s.delete(s.scalars(select(User).where(User.name == "ada")).one())
        s.commit()
        left = s.scalar(select(func.count()).select_from(Order))
    columns = [c["name"] for c in inspect(engine).get_columns("order")]
    engine.dispose()
    return [[list(t) for t in totals], error, left, columns]
